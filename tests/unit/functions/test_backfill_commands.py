"""Commands of the function backfill as JSON: what each means, and which field of a wrong one is named."""

from typing import Any

import pytest
from lookalike.backfill.model import BucketSpec, CurrentSpec, FieldNames, IndexSpec, Into, SourceSpec, id_of
from lookalike.errors import RequestInvalid

from functions.backfill import commands
from tests.unit.functions.backfill_function import START, BackfillFunction
from tests.unit.functions.events import example


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
    "another layout of a bucket": ({"bucket": "b", "prefix": "products/"}, BucketSpec("b", "products/")),
    "a whole bucket": ({"bucket": "b", "prefix": ""}, BucketSpec("b", "")),
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
    assert (command.source.spec(), command.new_index()) == (spec, Into("m", "i"))
    assert len({id_of(spec), id_of(spec, Into("m"))}) == 2


OPTIONS = {"shards": 3, "replicas": 0, "type": "int8_hnsw", "oversample": 2.5}


def into(**given: Any) -> Into:
    command = commands.read(START | {"into": {"model": "m", **given}})
    assert isinstance(command, commands.Start)
    found = command.new_index()
    assert found
    return found


@pytest.mark.parametrize("names", [[], ["shards"], ["replicas"], ["type"], ["oversample"], list(OPTIONS)], ids="-".join)
def test_a_new_index_may_differ_from_the_settings_in_each_of_its_options(names: list[str]) -> None:
    given = {name: OPTIONS[name] for name in names}

    assert into(index="i", **given) == Into("m", "i", given)


def test_another_option_is_another_backfill() -> None:
    ids = [id_of(IndexSpec("shop"), into(**given)) for given in ({}, {"shards": 2}, {"shards": 3}, {"shards": 2, "replicas": 0})]

    assert len(set(ids)) == len(ids)
    assert id_of(IndexSpec("shop"), into(oversample=3)) == id_of(IndexSpec("shop"), into(oversample=3.0))
    assert id_of(IndexSpec("shop"), Into("m", None, {"shards": 2, "replicas": 0})) == ids[-1]
    assert id_of(IndexSpec("shop"), Into("m", None, {"replicas": 0, "shards": 2})) == ids[-1]


@pytest.mark.parametrize(
    ("spec", "new_index", "expected"),
    [
        (IndexSpec("shop"), None, "7caca9c0aadf19b7"),
        (IndexSpec("shop"), Into("m"), "4a2175631c3cde85"),
        (IndexSpec("shop"), Into("m", "lookalike-m-2"), "26b0bbe028a8cfdd"),
        (BucketSpec("b"), Into("m"), "43ded00e313e2c0f"),
        (CurrentSpec(), Into("m"), "3eaa21704b3058d3"),
    ],
)
def test_a_request_without_options_has_the_id_that_it_had_before_there_were_options(
    spec: SourceSpec, new_index: Into | None, expected: str
) -> None:
    """A backfill that an earlier version started is resumed by this one."""
    assert id_of(spec, new_index) == expected


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
    "no shards": (START | {"into": {"model": "m", "shards": 0}}, "into.shards"),
    "too many shards": (START | {"into": {"model": "m", "shards": 1025}}, "into.shards"),
    "less than no replicas": (START | {"into": {"model": "m", "replicas": -1}}, "into.replicas"),
    "too many replicas": (START | {"into": {"model": "m", "replicas": 21}}, "into.replicas"),
    "an unknown index type": (START | {"into": {"model": "m", "type": "bbq"}}, "into.type"),
    "too little oversampling": (START | {"into": {"model": "m", "oversample": 0.5}}, "into.oversample"),
    "too much oversampling": (START | {"into": {"model": "m", "oversample": 11}}, "into.oversample"),
    "an unknown option of the new index": (START | {"into": {"model": "m", "nodes": 3}}, "into.nodes"),
    "an unknown field of the source": ({"action": "start", "source": {"index": "shop", "table": "b"}}, "source.table"),
    "two sources": ({"action": "start", "source": {"index": "shop", "bucket": "b"}}, "source.index"),
    "a bucket with a query": ({"action": "start", "source": {"bucket": "b", "query": {"match_all": {}}}}, "source.query"),
    "a current that is none": ({"action": "start", "source": {"current": False}}, "source.current"),
    "a secret of our own cluster": ({"action": "start", "source": {"index": "shop", "secret_arn": "arn"}}, "source.url"),
    "an address without scheme": ({"action": "start", "source": {"index": "shop", "url": "there:9200"}}, "source.url"),
    "no failures": ({"action": "failures", "backfill_id": "b", "size": 0}, "size"),
    "too many failures": ({"action": "failures", "backfill_id": "b", "size": 1001}, "size"),
    "a force that is a list": ({"action": "switch", "backfill_id": "b", "force": []}, "force"),
    "an unknown name": ({"action": "start", "source": {"index": "shop", "fields": {"ids": "sku"}}}, "source.fields.ids"),
    "no id": ({"action": "status"}, "backfill_id"),
    "a slice that is no number": ({"action": "slice", "backfill_id": "b", "slice": "first"}, "slice"),
}


@pytest.mark.parametrize(("event", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_command_is_refused_with_the_field_that_is_wrong(event: Any, field: str) -> None:
    error = BackfillFunction().refusal(event)

    assert (error["code"], error["field"]) == ("request_invalid", field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"into": {"model": "m", "index": "lookalike-x*"}}, "into.index"),
        ({"into": {"model": "m", "index": "Lookalike-1"}}, "into.index"),
        ({"into": {"model": "m", "index": "a,b"}}, "into.index"),
        ({"into": {"model": "m", "index": "-a"}}, "into.index"),
        ({"source": {"index": "shop", "url": "https://there:9200", "ca": "garbage"}}, "source.ca"),
        ({"source": {"index": "shop", "url": "https://there:9200", "ca": "-----BEGIN CERTIFICATE-----"}}, "source.ca"),
        ({"source": {"index": "shop", "url": "https://there:9200", "ca": "\u00fc"}}, "source.ca"),
    ],
    ids=str,
)
def test_what_could_never_be_used_is_refused_before_anything_is_asked(changes: dict[str, Any], field: str) -> None:
    assert BackfillFunction().refusal(START | changes)["field"] == field


@pytest.mark.parametrize(
    ("source", "reason"),
    [("shop", "this must be a JSON object"), ({"index": "shop", "url": "https://a", "ca": "x"}, "this is no certificate in PEM form")],
)
def test_a_refusal_is_told_without_words_of_this_code(source: Any, reason: str) -> None:
    with pytest.raises(RequestInvalid, match=f"^{reason}"):
        commands.read({"action": "start", "source": source})
