"""A source's secret is sent to its own address, by https, and nowhere else."""

import pytest
from lookalike.adapters.dispatch.sources import SourceByKind
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.backfill.model import IndexSpec
from lookalike.errors import IndexUnavailable, RequestInvalid
from pytest_socket import SocketBlockedError

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf"
URL = "https://127.0.0.1:9"


class Secrets:
    """Which secrets were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, arn: str, is_fresh: bool) -> str:
        self.read.append(arn)
        return '{"api_key": "key"}'


def sources(secrets: Secrets) -> SourceByKind:
    """Sources that know of one other cluster, where nobody listens."""
    return SourceByKind(ElasticsearchSource(URL), BucketSource(None), secrets, {URL: ARN})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "arn", "field"),
    [
        ("https://elsewhere.example:9", ARN, "source.secret_arn"),
        ("https://127.0.0.1:9.elsewhere.example", ARN, "source.secret_arn"),
        ("https://127.0.0.1:9@elsewhere.example", ARN, "source.secret_arn"),
        ("https://127.0.0.1:10", ARN, "source.secret_arn"),
        (URL, ARN.replace("shop", "payroll"), "source.secret_arn"),
        ("http://127.0.0.1:9", ARN, "source.url"),
    ],
)
def test_no_other_address_and_no_other_secret_go_together(url: str, arn: str, field: str) -> None:
    secrets = Secrets()

    with pytest.raises(RequestInvalid) as refused:
        sources(secrets).count(IndexSpec("shop", url=url, secret_arn=arn))

    assert refused.value.field == field
    assert ARN not in str(refused.value)
    assert secrets.read == []


def test_the_secret_is_sent_to_the_address_that_it_was_deployed_with() -> None:
    secrets = Secrets()

    with pytest.raises((IndexUnavailable, SocketBlockedError)):
        sources(secrets).count(IndexSpec("shop", url=f"{URL}/", secret_arn=ARN))

    assert secrets.read == [ARN]
