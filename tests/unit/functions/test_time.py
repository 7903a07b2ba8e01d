"""A function that receives messages gives them back in time, with the reason, when what it waits for stays silent; search answers 503."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from threading import Event
from typing import Any, cast

import pytest
from lookalike.backfill.messages import ReadSlice
from lookalike.errors import IndexUnavailable
from lookalike.health import HealthCheck
from lookalike.indexing.outcomes import BatchResult
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.indexing.uploads import Uploads
from lookalike.redelivery import ReceivedMessage, Redeliver
from lookalike.search.browse import Browse
from lookalike.search.search import Search

from functions import batches
from functions.backfill import app as backfill
from functions.index_products import app as index_products
from functions.on_upload import app as on_upload
from functions.search import app as search
from functions.search import events
from tests.unit.functions.events import Context, example, failed, http


class _Hurried(Context):
    """An invocation that has a moment for its work."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return round(batches.LAST_S * 1000) + 100


class _HurriedSearch(Context):
    """The same for a search."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return round(events.MARGIN_S * 1000) + 100


PATIENCE_S = 60.0
"""Whoever waits for so long instead of giving up gets a wrong answer."""


class _Silent:
    """Every use case, each waiting for what never comes."""

    def __init__(self) -> None:
        self.never = Event()

    def never_end(self, _: object) -> tuple[str, ...]:
        self.never.wait(PATIENCE_S)
        return ()

    def __getattr__(self, name: str) -> Callable[..., BatchResult]:
        def wait(*_: object, **__: object) -> BatchResult:
            self.never.wait(PATIENCE_S)
            return BatchResult()

        return wait


@pytest.fixture
def silent() -> Iterator[_Silent]:
    use_case = _Silent()
    yield use_case
    use_case.never.set()


def _commands(silent: _Silent) -> backfill.UseCases:
    return backfill.UseCases(**{each.name: cast(Any, silent) for each in fields(backfill.UseCases)})


def _handlers(silent: _Silent, redeliver: Redeliver) -> Mapping[str, Callable[..., dict[str, Any]]]:
    commands = _commands(silent)
    return {
        "on_upload_put": on_upload.create(cast(Uploads, silent), redeliver),
        "index_products_put": index_products.create(cast(ProductsQueue, silent), lambda body, sent: (), redeliver),
        "backfill_slice": backfill.create(commands, lambda body: ReadSlice("id", 0), redeliver),
    }


@pytest.mark.parametrize("name", ["on_upload_put", "index_products_put", "backfill_slice"])
def test_messages_come_back_before_the_function_is_ended_and_the_log_says_why(
    silent: _Silent, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    back: list[ReceivedMessage] = []

    def redeliver(messages: Iterable[ReceivedMessage]) -> tuple[str, ...]:
        back.extend(messages)
        return ()

    handler = _handlers(silent, redeliver)[name]

    with caplog.at_level(logging.WARNING):
        returned = failed(handler(example(name), _Hurried()))

    assert len(returned) == len(back) == 1
    assert any("did not answer in time" in json.dumps(record.__dict__, default=str) for record in caplog.records)


def test_a_command_that_takes_too_long_is_answered_with_the_reason(silent: _Silent) -> None:
    handler = backfill.create(_commands(silent), lambda body: None, lambda _: ())

    answer = handler({"action": "status", "backfill_id": "id"}, cast(Any, _Hurried()))

    assert "did not answer in time" in answer["error"]["message"]


def test_a_silent_sqs_does_not_keep_the_answer(silent: _Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "REDELIVERY_S", 0.1)
    handler = _handlers(silent, silent.never_end)["on_upload_put"]

    assert len(failed(handler(example("on_upload_put"), _Hurried()))) == 1


@pytest.mark.parametrize("name", ["search_get", "search_similar", "search_product", "search_attributes", "search_stats"])
def test_a_search_is_answered_503_before_the_function_is_ended_and_the_log_has_the_code_that_an_alarm_counts(
    silent: _Silent, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    handler = search.create(cast(Search, silent), cast(Browse, silent), cast(HealthCheck, silent), "*")

    with caplog.at_level(logging.WARNING):
        answer = handler(http(name), _HurriedSearch())

    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (503, IndexUnavailable.code)
    assert answer["multiValueHeaders"]["Retry-After"]
    assert [record.__dict__["code"] for record in caplog.records if record.levelno >= logging.WARNING] == [IndexUnavailable.code]


@pytest.mark.parametrize("silent_at", [0, 1, 2])
def test_health_tells_a_silent_elasticsearch_whichever_question_it_leaves(
    silent: _Silent, silent_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.health.LIMIT_S", 0.1)
    questions: list[Any] = [lambda: "9.4.3 green", lambda: ("lookalike-1", "fake"), lambda: None]
    questions[silent_at] = lambda: silent.never_end(None) or ("late", "late")

    cluster, current, model_is_loaded = questions

    health = HealthCheck(cluster, current, model_is_loaded, lambda: ["fake"]).check()

    assert "did not answer in time" in str(health.fault)
