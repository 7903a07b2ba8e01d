"""Fixtures of all handlers' tests: the metrics' namespace, and the metrics that were published."""

import json
import warnings
from collections.abc import Callable

import pytest

from functions.backfill import app as backfill
from functions.index_products import app as index_products
from functions.on_upload import app as on_upload
from functions.search import app as search

Counted = Callable[[], dict[str, float]]


@pytest.fixture(autouse=True)
def _metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their namespace is the one that the template sets in the environment; powertools reads that when it is imported."""
    warnings.filterwarnings("ignore", "No application metrics to publish")
    for app in (backfill, index_products, on_upload, search):
        monkeypatch.setattr(app.metrics, "namespace", "lookalike")


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Counted:
    """The metrics that were published since the last look, by name: each has one value an invocation, however many pictures."""

    def look() -> dict[str, float]:
        found: dict[str, float] = {}
        for line in capsys.readouterr().out.splitlines():
            published = json.loads(line)
            for metric in published["_aws"]["CloudWatchMetrics"][0]["Metrics"] if "_aws" in published else ():
                [found[metric["Name"]]] = published[metric["Name"]]
        return found

    return look
