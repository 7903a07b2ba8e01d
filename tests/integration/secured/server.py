"""A secured Elasticsearch with TLS and a private authority, and API keys made from the roles of `infra/elasticsearch_roles`."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.client import trusting

from infra.local.elasticsearch.server import USER, ElasticsearchServer
from tests.server_folder import server_folder

ROLES = Path("infra/elasticsearch_roles")
PASSWORD = "a password of the test"


@dataclass(frozen=True)
class SecuredServer:
    """A running server; ``admin`` may do everything, ``ca`` is the authority's certificate as PEM text."""

    url: str
    ca: str
    admin: Elasticsearch

    def key(self, role: str) -> str:
        """The secret with a new API key that has a role's rights and no others."""
        rights = json.loads((ROLES / f"{role}.json").read_text())
        made = self.admin.security.create_api_key(name=role, role_descriptors={role: rights})
        return json.dumps({"api_key": made["encoded"]})

    def revoke(self, secret: str) -> None:
        """Makes the key in a secret invalid."""
        key_id, _, _ = base64.b64decode(json.loads(secret)["api_key"]).decode().partition(":")
        self.admin.security.invalidate_api_key(ids=[key_id])


@contextmanager
def secured_server() -> Iterator[SecuredServer]:
    """Starts one, with an authority of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    ca = authority.cert_pem.bytes()
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    certificate = {"http.key": issued.private_key_pem.bytes(), "http.crt": chain, "authority.crt": ca}
    with (
        server_folder("secured") as folder,
        ElasticsearchServer(folder / "node", heap_mb=512, quick_start=True, password=PASSWORD, certificate=certificate) as server,
        Elasticsearch(server.url, basic_auth=(USER, PASSWORD), ssl_context=trusting(ca.decode()), request_timeout=60) as admin,
    ):
        yield SecuredServer(server.url, ca.decode(), admin)
