"""A function that receives messages gives them back in time, with the reason, when what it waits for stays silent."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from threading import Event
from typing import Any, cast

import pytest
from lookalike.backfill.messages import ReadSlice
from lookalike.indexing.outcomes import BatchResult
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.indexing.uploads import Uploads
from lookalike.redelivery import ReceivedMessage, Redeliver

from functions import batches
from functions.backfill import app as backfill
from functions.index_products import app as index_products
from functions.on_upload import app as on_upload
from tests.unit.functions.events import Context, example, failed


class _Hurried(Context):
    """An invocation that has a moment for its work."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return round(batches.LAST_S * 1000) + 100


class _Silent:
    """Every use case, each waiting for what never comes."""

    def __init__(self) -> None:
        self.never = Event()

    def never_end(self, _: object) -> tuple[str, ...]:
        self.never.wait()
        return ()

    def __getattr__(self, name: str) -> Callable[..., BatchResult]:
        def wait(*_: object, **__: object) -> BatchResult:
            self.never.wait()
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
