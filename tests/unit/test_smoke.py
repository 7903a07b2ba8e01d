"""What `make smoke` says of checks that fail; the checks themselves are made on a running system (e2e/test_smoke.py)."""

from contextlib import nullcontext

import pytest
from botocore.exceptions import ClientError

from tests.smoke import checks
from tests.smoke.__main__ import run
from tests.smoke.stack import Stack


def test_a_check_that_aws_refuses_fails_and_the_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def refused(_: Stack, __: checks.Sample) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessage")

    def empty(_: Stack, __: checks.Sample) -> None:
        [][0]

    def good(_: Stack, __: checks.Sample) -> None:
        made.append("good")

    monkeypatch.setattr(checks, "sample", nullcontext)
    monkeypatch.setattr(checks, "CHECKS", (refused, empty, good))

    assert run(Stack("http://localhost", "", "pictures", "lookalike")) == ["refused", "empty"]
    assert made == ["good"]
