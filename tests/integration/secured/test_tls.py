"""What is wrong with TLS is told by the name of the setting that corrects it."""

from collections.abc import Callable

import pytest
import trustme
from lookalike.backfill.model import IndexSpec
from lookalike.errors import LookalikeError, Misconfigured
from lookalike.settings import Settings
from lookalike.wiring.backfill import BackfillWiring

from infra.local.aws import AwsServer
from tests.integration.secured.server import SecuredServer

CA = "LOOKALIKE_ELASTICSEARCH_CA"
URL = "LOOKALIKE_ELASTICSEARCH_URL"


@pytest.fixture(autouse=True)
def _environment(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in aws.environment.items():
        monkeypatch.setenv(variable, value)


def _ask_index(url: str, ca: str | None) -> object:
    return BackfillWiring(Settings(elasticsearch_url=url, elasticsearch_ca=ca)).indices.current()


def _ask_own_source(url: str, ca: str | None) -> object:
    return BackfillWiring(Settings(elasticsearch_url=url, elasticsearch_ca=ca)).sources.count(IndexSpec("shop"))


@pytest.mark.parametrize("ask", [_ask_index, _ask_own_source])
def test_an_authority_that_did_not_sign_names_its_setting(ask: Callable[[str, str | None], object], secured: SecuredServer) -> None:
    for ca in (None, trustme.CA().cert_pem.bytes().decode()):
        with pytest.raises(Misconfigured, match=CA):
            ask(secured.url, ca)


@pytest.mark.parametrize("ask", [_ask_index, _ask_own_source])
@pytest.mark.parametrize("broken", [lambda ca: "garbage", lambda ca: ca.replace("\n", " "), lambda ca: ca[: len(ca) // 2]])
def test_an_authority_that_is_no_pem_names_its_setting(
    ask: Callable[[str, str | None], object], broken: Callable[[str], str], secured: SecuredServer
) -> None:
    with pytest.raises(Misconfigured, match=CA):
        ask(secured.url, broken(secured.ca))


@pytest.mark.parametrize("ask", [_ask_index, _ask_own_source])
@pytest.mark.parametrize("has_ca", [False, True])
def test_http_to_a_port_that_speaks_tls_names_the_url(
    ask: Callable[[str, str | None], object], has_ca: bool, secured: SecuredServer
) -> None:
    with pytest.raises(LookalikeError, match=URL):
        ask(secured.url.replace("https", "http"), secured.ca if has_ca else None)


@pytest.mark.parametrize("ask", [_ask_index, _ask_own_source])
def test_https_to_a_port_that_speaks_no_tls_names_the_url(
    ask: Callable[[str, str | None], object], elasticsearch_url: str, secured: SecuredServer
) -> None:
    with pytest.raises(LookalikeError, match=URL):
        ask(elasticsearch_url.replace("http", "https"), secured.ca)


@pytest.mark.parametrize("ca", [None, "garbage", trustme.CA().cert_pem.bytes().decode()])
def test_another_cluster_s_authority_is_told_by_the_field_of_the_command(
    ca: str | None, secured: SecuredServer, elasticsearch_url: str
) -> None:
    sources = BackfillWiring(Settings(elasticsearch_url=elasticsearch_url)).sources
    with pytest.raises(Misconfigured, match=r"source\.ca"):
        sources.count(IndexSpec("shop", url=secured.url, ca=ca))
