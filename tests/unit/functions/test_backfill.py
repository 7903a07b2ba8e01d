"""Commands from the CLI, and slices through SQS."""

import json
from typing import Any

import pytest
from lookalike.backfills import BucketSpec, CurrentSpec, FieldNames, IndexSpec, Into, SourceSpec, id_of
from lookalike.errors import LookalikeError, Misconfigured, RequestInvalid, Unavailable
from lookalike.fanout import PAGE, FanOut
from lookalike.mending import Mending
from lookalike.products import ProductOutcome
from lookalike.progress import Progress
from lookalike.switching import Switching

from functions.backfill import app, commands
from tests.fakes import FakeIndices, FakeOutbox, FakeOutcomes, FakeSource, FakeStore
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import REQUEST_ID, Context, example, failed, sqs

COUNT = 2 * PAGE + 7
START = {"action": "start", "source": {"index": "shop"}}


class Source(FakeSource):
    """One that can fail."""

    error: Exception | None = None

    def count(self, spec: SourceSpec) -> int | None:
        if self.error:
            raise self.error
        return super().count(spec)


class Bench:
    """The handler with fakes behind it."""

    def __init__(self) -> None:
        self.source, self.outbox, self.outcomes = Source(COUNT, faults=1), FakeOutbox(), FakeOutcomes()
        self.store, self.indices = FakeStore(), FakeIndices()
        progress = Progress(self.store, self.outcomes, self.outbox)
        self._handler = app.create(
            FanOut(self.source, self.store, self.outcomes, self.outbox, self.indices),
            progress,
            Mending(self.source, self.store, self.outcomes, self.outbox),
            Switching(self.store, progress, self.indices),
        )

    def call(self, event: Any) -> dict[str, Any]:
        return self._handler(event, Context())

    def refusal(self, event: Any) -> dict[str, Any]:
        answer = self.call(event)
        assert set(answer) == {"error"}
        error: dict[str, Any] = answer["error"]
        assert error["request_id"] == REQUEST_ID
        return error

    def posted_slices(self) -> dict[str, str]:
        """What is in the backfill's own queue, as message ids and bodies; it is empty then."""
        bodies = {
            f"slice-{number}": json.dumps({"action": "slice", "backfill_id": id_, "slice": number}) for id_, number in self.outbox.slices
        }
        self.outbox.slices.clear()
        return bodies


def test_a_backfill_is_started_read_and_followed_to_its_end() -> None:
    bench = Bench()
    started = bench.call(START)
    assert started == {"backfill_id": id_of(IndexSpec("shop")), "products": COUNT + 1}
    status = {"action": "status", "backfill_id": started["backfill_id"]}
    assert bench.call(status)["state"] == "reading"

    assert failed(bench.call(sqs(bench.posted_slices()))) == []
    assert bench.call(status)["state"] == "indexing"
    bench.outcomes.record(ProductOutcome(product_id, "indexed", started["backfill_id"], 1) for product_id in bench.outbox.posted())

    end = bench.call(status)
    assert (end["state"], end["total"], end["read"], end["indexed"], end["failed"]) == (
        "finished",
        COUNT + 1,
        COUNT + 1,
        COUNT,
        {"request_invalid": 1},
    )
    assert json.loads(json.dumps(end)) == end


def test_the_same_start_again_answers_with_the_same_id() -> None:
    bench = Bench()

    assert bench.call(START) == bench.call(START)


def test_the_example_says_which_documents_and_fields_are_meant() -> None:
    command = commands.read(example("backfill_start"))

    assert isinstance(command, commands.Start)
    fields = FieldNames("sku", "images.url", ("category", "brand", "price"))
    assert command.source.spec() == IndexSpec("products", {"term": {"in_stock": True}}, fields)


@pytest.mark.parametrize("attributes", ["info", ["info"], None])
def test_attributes_are_an_object_s_name_or_a_list_of_names(attributes: Any) -> None:
    command = commands.read({"action": "start", "source": {"index": "shop", "fields": {"attributes": attributes}}})

    assert isinstance(command, commands.Start)
    spec = command.source.spec()
    assert isinstance(spec, IndexSpec)
    assert spec.fields.attributes == (tuple(attributes) if isinstance(attributes, list) else attributes)


SOURCES = {
    "a bucket": ({"bucket": "b"}, BucketSpec("b")),
    "a part of a bucket": ({"bucket": "b", "prefix": "images/a"}, BucketSpec("b", "images/a")),
    "the current index": ({"current": True}, CurrentSpec()),
    "another cluster": (
        {"index": "shop", "url": "https://there:9200", "secret_arn": "arn"},
        IndexSpec("shop", url="https://there:9200", secret_arn="arn"),
    ),
    "what changed": ({"index": "shop", "updated_at": "changed"}, IndexSpec("shop", updated_at="changed")),
}


@pytest.mark.parametrize(("given", "spec"), SOURCES.values(), ids=SOURCES.keys())
def test_each_source_is_understood(given: Any, spec: SourceSpec) -> None:
    command = commands.read({"action": "start", "source": given, "into": {"model": "m", "index": "i"}})

    assert isinstance(command, commands.Start)
    assert (command.source.spec(), command.index()) == (spec, Into("m", "i"))
    assert len({id_of(spec), id_of(spec, Into("m"))}) == 2


REFUSED = {
    "nothing": ({}, "action"),
    "a list": ([], "action"),
    "a text": ("start", "action"),
    "an unknown action": ({"action": "stop"}, "action"),
    "an action that is a list": ({"action": ["start"]}, "action"),
    "no source": ({"action": "start"}, "source"),
    "a source that is a text": ({"action": "start", "source": "shop"}, "source"),
    "a source without index": ({"action": "start", "source": {}}, "source.index"),
    "an empty index": ({"action": "start", "source": {"index": ""}}, "source.index"),
    "a query that is a text": ({"action": "start", "source": {"index": "shop", "query": "all"}}, "source.query"),
    "an unknown field": ({"action": "start", "source": {"index": "shop"}, "to": "next"}, "to"),
    "a new index that is a text": ({"action": "start", "source": {"index": "shop"}, "into": "next"}, "into"),
    "a new index without model": ({"action": "start", "source": {"index": "shop"}, "into": {}}, "into.model"),
    "an unknown field of the source": ({"action": "start", "source": {"index": "shop", "table": "b"}}, "source.table"),
    "two sources": ({"action": "start", "source": {"index": "shop", "bucket": "b"}}, "source.index"),
    "a bucket with a query": ({"action": "start", "source": {"bucket": "b", "query": {"match_all": {}}}}, "source.query"),
    "another part of a bucket": ({"action": "start", "source": {"bucket": "b", "prefix": "thumbs/"}}, "source.prefix"),
    "a current that is none": ({"action": "start", "source": {"current": False}}, "source.current"),
    "a secret of our own cluster": ({"action": "start", "source": {"index": "shop", "secret_arn": "arn"}}, "source.url"),
    "an address without scheme": ({"action": "start", "source": {"index": "shop", "url": "there:9200"}}, "source.url"),
    "no failures": ({"action": "failures", "backfill_id": "b", "size": 0}, "size"),
    "too many failures": ({"action": "failures", "backfill_id": "b", "size": 1001}, "size"),
    "a force that is a list": ({"action": "switch", "backfill_id": "b", "force": []}, "force"),
    "an unknown name": ({"action": "start", "source": {"index": "shop", "fields": {"ids": "sku"}}}, "source.fields.ids"),
    "no id": ({"action": "status"}, "backfill_id"),
    "a slice before the first": ({"action": "slice", "backfill_id": "b", "slice": -1}, "slice"),
}


@pytest.mark.parametrize(("event", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_command_is_refused_with_the_field_that_is_wrong(event: Any, field: str) -> None:
    error = Bench().refusal(event)

    assert (error["code"], error["field"]) == ("request_invalid", field)


def test_an_unknown_backfill_is_told() -> None:
    error = Bench().refusal(example("backfill_status"))

    assert (error["code"], error["field"]) == ("not_found", "backfill_id")
    assert "b1946ac92492d2347c6235b4d2611184" in error["message"]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RequestInvalid("there is no index 'shop'", field="source.index"), "request_invalid"),
        (Unavailable("the source is busy"), "unavailable"),
        (Misconfigured("the source refuses our key"), "misconfigured"),
    ],
)
def test_an_engineer_is_told_whose_turn_it_is(raised: LookalikeError, code: str) -> None:
    bench = Bench()
    bench.source.error = raised

    error = bench.refusal(START)

    assert (error["code"], error["message"], error.get("field")) == (code, str(raised), raised.field)


def test_a_defect_fails_the_invocation() -> None:
    bench = Bench()
    bench.source.error = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        bench.call(START)


UNREADABLE = {
    "no JSON": "{",
    "null": "null",
    "an unknown action": '{"action": "stop", "backfill_id": "b"}',
    "no number": '{"action": "slice", "backfill_id": "b"}',
    "a backfill that is not known": example("backfill_slice")["Records"][0]["body"],
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_cannot_be_carried_out_comes_back_alone(body: str) -> None:
    bench = Bench()
    bench.call(START)

    assert failed(bench.call(sqs({"wrong": body} | bench.posted_slices()))) == ["wrong"]
    assert len(bench.outbox.posted()) == COUNT


def test_a_slice_whose_posts_fail_comes_back_and_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.call(START)
    slices = bench.posted_slices()

    def busy(*_: object, **__: object) -> None:
        raise Unavailable("SQS is busy")

    with monkeypatch.context() as patched:
        patched.setattr(bench.outbox, "post_products", busy)
        assert failed(bench.call(sqs(slices))) == list(slices)
    assert failed(bench.call(sqs(slices))) == []
    assert sorted(bench.outbox.posted()) == sorted(f"p-{number}" for number in range(COUNT))


def test_failures_are_listed_and_tried_again() -> None:
    bench = Bench()
    id_ = bench.call(START)["backfill_id"]
    bench.call(sqs(bench.posted_slices()))
    bench.outcomes.record(ProductOutcome(f"p-{number}", "indexed", id_, 1) for number in range(COUNT))
    failed_ones = [
        ProductOutcome(f"p-{n}", "failed", id_, 1, image_url=f"http://a/{n}", code="download_failed", reason="503") for n in range(3)
    ]
    bench.outcomes.record(failed_ones)
    bench.outbox.products.clear()

    answer = bench.call({"action": "failures", "backfill_id": id_, "reason": "download_failed", "size": 2})
    assert [(each["product_id"], each["image_url"], each["reason"]) for each in answer["failures"]] == [
        ("p-0", "http://a/0", "503"),
        ("p-1", "http://a/1", "503"),
    ]
    rest = bench.call({"action": "failures", "backfill_id": id_, "reason": "download_failed", "size": 2, "cursor": answer["next_cursor"]})
    assert ([each["product_id"] for each in rest["failures"]], rest["next_cursor"]) == (["p-2"], None)
    assert bench.call({"action": "retry", "backfill_id": id_, "reason": "download_failed"}) == {"backfill_id": id_, "retried": 3}
    assert bench.outbox.posted() == ["p-0", "p-1", "p-2"]
    assert bench.call({"action": "status", "backfill_id": id_})["state"] == "indexing"


def test_a_backfill_is_listed_cancelled_and_switched_to() -> None:
    bench = Bench()
    start = START | {"into": {"model": "bigger"}}
    started = bench.call(start)
    id_ = started["backfill_id"]
    assert started["into"] == "lookalike-bigger-1"
    assert [(each["backfill_id"], each["state"]) for each in bench.call({"action": "list"})["backfills"]] == [(id_, "reading")]
    assert bench.refusal({"action": "switch", "backfill_id": id_})["field"] == "backfill_id"

    assert bench.call({"action": "cancel", "backfill_id": id_}) == {"backfill_id": id_, "state": "cancelled"}
    assert bench.call({"action": "switch", "backfill_id": id_, "force": True}) == {
        "backfill_id": id_,
        "index": "lookalike-bigger-1",
        "previous": "lookalike-fake-1",
    }


def test_a_backfill_that_is_read_to_its_end_is_not_called_cancelled() -> None:
    bench = Bench()
    id_ = bench.call(START)["backfill_id"]
    bench.call(sqs(bench.posted_slices()))

    assert bench.call({"action": "cancel", "backfill_id": id_}) == {"backfill_id": id_, "state": "indexing"}


def test_products_that_vanished_are_counted_and_removed() -> None:
    bench = Bench()
    id_ = bench.call(START)["backfill_id"]
    bench.outcomes.record([ProductOutcome("gone", "indexed", id_, 0)])
    remove = {"action": "remove_vanished", "backfill_id": id_}
    assert bench.refusal(remove)["code"] == "request_invalid"
    bench.call(sqs(bench.posted_slices()))
    bench.outbox.products.clear()

    assert bench.call(remove | {"dry_run": True}) == {"backfill_id": id_, "vanished": 1, "dry_run": True}
    assert bench.outbox.products == []
    assert bench.call(remove) == {"backfill_id": id_, "vanished": 1, "dry_run": False}
    assert [message.delete for message, _ in bench.outbox.products] == [("gone",)]


def test_metrics_of_a_slice_carry_the_backfill_s_id(counted: Counted, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    id_ = bench.call(START)["backfill_id"]
    capsys.readouterr()
    bench.call(sqs(bench.posted_slices()))

    published = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert {each["backfill_id"] for each in published} == {id_}
    assert sum(sum(each["ProductsRead"]) for each in published) == COUNT + 1
