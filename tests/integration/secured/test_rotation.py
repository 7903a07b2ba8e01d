"""A key that is replaced in the secret and revoked: what runs goes on with the new one, without a redeploy."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from lookalike.backfill.model import IndexSpec
from lookalike.errors import Misconfigured
from lookalike.settings import Settings
from lookalike.wiring.backfill import BackfillWiring

from infra.local.aws import AwsServer, session
from tests.integration.secured.server import SecuredServer


def _read_and_write(wiring: BackfillWiring) -> int:
    """The client and the reader of sources, both with the secret's key."""
    wiring.outcomes.count_of_earlier_runs("a backfill", 1)
    return wiring.sources.count(IndexSpec(f"{wiring.settings.alias}-outcomes")) or 0


@pytest.fixture
def wired(
    aws: AwsServer, secured: SecuredServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[BackfillWiring, Callable[[str], object]]]:
    """What runs with the secret's first value, and what replaces that value."""
    for variable, value in aws.environment.items():
        monkeypatch.setenv(variable, value)
    secrets = session().client("secretsmanager", endpoint_url=aws.url)

    def make(secret: str) -> tuple[BackfillWiring, Callable[[str], object]]:
        arn = secrets.create_secret(Name=uuid4().hex, SecretString=secret)["ARN"]
        settings = Settings(secured.url, arn, secured.ca, alias="lookalike-rotated")
        return BackfillWiring(settings), lambda new: secrets.put_secret_value(SecretId=arn, SecretString=new)

    return make


def test_a_revoked_key_is_replaced_by_the_secret_s_new_one(
    wired: Callable[[str], tuple[BackfillWiring, Callable[[str], object]]], secured: SecuredServer
) -> None:
    old = secured.key("workers")
    wiring, replace = wired(old)
    assert _read_and_write(wiring) == 0

    replace(secured.key("workers"))
    secured.revoke(old)

    assert _read_and_write(wiring) == 0


def test_a_revoked_key_without_a_new_one_names_the_credentials(
    wired: Callable[[str], tuple[BackfillWiring, Callable[[str], object]]], secured: SecuredServer
) -> None:
    old = secured.key("workers")
    wiring, _ = wired(old)
    secured.revoke(old)

    with pytest.raises(Misconfigured, match="credentials"):
        _read_and_write(wiring)
