"""Reaches the Elasticsearch that holds pictures, a secured one too, and tells which network filled an index."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.client import connect, translate_errors
from lookalike.errors import Misconfigured
from lookalike.settings import Settings

from infra.local.elasticsearch.server import ElasticsearchServer
from layers.models.export import Say
from layers.quality.labelled import NothingToLearn
from layers.quality.search_path import OWN

PREFIX = "LOOKALIKE_ELASTICSEARCH_"
TIMEOUT_S = 60


def client(url: str) -> Elasticsearch:
    """A client of the server at this address, with the credentials and the certificate authority that the environment gives.

    The variables are those of the functions, ``LOOKALIKE_ELASTICSEARCH_CA`` and ``LOOKALIKE_ELASTICSEARCH_SECRET_ARN``;
    ``LOOKALIKE_ELASTICSEARCH_SECRET`` is the secret's JSON itself.

    Raises:
        NothingToLearn: this is no address.
        Misconfigured: the secret cannot be read or is malformed, or the authority is no certificate or is given for http.
    """
    try:
        made = connect(url, _secret(), os.environ.get(f"{PREFIX}CA") or None)
    except ValueError as error:
        raise NothingToLearn(f"{url} is no address of an Elasticsearch: {error}") from error
    return made.options(request_timeout=TIMEOUT_S)


@contextmanager
def local(folder: Path, say: Say) -> Iterator[Elasticsearch]:
    """A client of a server that is started here, in this folder, and ended afterwards. What a killed command left of its own is removed.

    Raises:
        Failure: there is no Elasticsearch on this machine and none could be had, or it does not start.
    """
    with ElasticsearchServer(folder, say=say) as server, connect(server.url).options(request_timeout=TIMEOUT_S) as made:
        for name in made.indices.get(index=f"{OWN}*"):
            made.indices.delete(index=name)
        yield made


def placeholders(url: str) -> frozenset[str]:
    """Perceptual hashes of placeholder pictures, from the variable of the functions, ``LOOKALIKE_PLACEHOLDER_HASHES``.

    Raises:
        Misconfigured: one of them is no such hash.
    """
    name = "LOOKALIKE_PLACEHOLDER_HASHES"
    return Settings.load({f"{PREFIX}URL": url, name: os.environ.get(name, "")}).placeholder_hashes


def _secret() -> str | None:
    if given := os.environ.get(f"{PREFIX}SECRET"):
        return given
    if arn := os.environ.get(f"{PREFIX}SECRET_ARN"):
        from lookalike.wiring.base import secret  # imported here: an open server needs no AWS

        return secret(arn)
    return None


def filled_by(client: Elasticsearch, index: str) -> tuple[str, str]:
    """Id and weights' checksum of the model that filled an index, or all indices behind an alias or a pattern.

    Raises:
        Misconfigured: lookalike did not create the index, or several models filled the indices.
        IndexMissing: there is none.
    """
    with translate_errors(index):
        found = client.indices.get(index=index, features=["mappings"])
    models = {name: each["mappings"].get("_meta", {}).get("model", {}) for name, each in found.items()}
    for name, model in models.items():
        if not {"id", "weights_sha256"} <= set(model):
            raise Misconfigured(f"the index {name!r} names no model in its _meta: lookalike did not create it")
    filled = sorted({(model["id"], model["weights_sha256"]) for model in models.values()})
    if len(filled) != 1:
        named = ", ".join(f"{name} by {model['id']}" for name, model in sorted(models.items())) or "none is there"
        raise Misconfigured(f"{index!r} must be of one model: {named}. Give the name of one index")
    return filled[0]
