"""What every store of outcomes promises: the last outcome of each item of each backfill, counted and listed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.backfill.outcomes import OutcomeStore
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import FakeOutcomeStore
from tests.integration.samples import own_name

Summaries = set[tuple[str, str, str | None]]


@dataclass(frozen=True)
class OutcomesUnderTest:
    """A store, and what is in it: product, state, code."""

    outcomes: OutcomeStore
    stored: Callable[[], Summaries]


@pytest.fixture(params=["fake", "elasticsearch"])
def under_test(request: pytest.FixtureRequest) -> Iterator[OutcomesUnderTest]:
    if request.param == "fake":
        fake = FakeOutcomeStore()
        yield OutcomesUnderTest(fake, lambda: {(outcome.product_id, outcome.state, outcome.code) for outcome in fake.known.values()})
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        yield OutcomesUnderTest(ElasticsearchOutcomeStore(client, name), lambda: _summaries(client, name))


def _failed(product_id: str, code: str = "picture_unusable", backfill_id: str | None = "b") -> ItemOutcome:
    return ItemOutcome(product_id, "failed", backfill_id, 1, image_url=f"http://a/{product_id}", code=code, reason="it is no picture")


def _upload(name: str, failed: bool) -> ItemOutcome:
    code = "picture_unusable" if failed else None
    return ItemOutcome("hat", "failed" if failed else "indexed", origin="upload", image_url=f"s3://b/hat/{name}", code=code)


def test_successes_and_failures_of_a_backfill_are_stored(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([ItemOutcome("hat", "indexed", "b", 1), ItemOutcome("mug", "unchanged", "b", 1), _failed("lamp")])

    assert under_test.stored() == {("hat", "indexed", None), ("mug", "unchanged", None), ("lamp", "failed", "picture_unusable")}


def test_a_later_outcome_takes_the_place_of_an_earlier_one(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_failed("hat"), _failed("mug")])
    under_test.outcomes.record([ItemOutcome("hat", "indexed", "b", 2), _failed("mug", "picture_unreachable")])

    assert under_test.stored() == {("hat", "indexed", None), ("mug", "failed", "picture_unreachable")}


def test_of_two_outcomes_recorded_at_once_the_later_one_counts(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_failed("hat"), ItemOutcome("hat", "indexed", "b", 1)])

    assert under_test.stored() == {("hat", "indexed", None)}


def test_an_outcome_of_an_earlier_run_does_not_take_the_place_of_a_later_run_s(under_test: OutcomesUnderTest) -> None:
    """A message of an earlier run may wait in the queue for longer than the next run takes."""
    under_test.outcomes.record([ItemOutcome("hat", "indexed", "b", 2), _failed("mug")])
    under_test.outcomes.record([_failed("hat"), ItemOutcome("mug", "unchanged", "b", 1), ItemOutcome("cap", "indexed", "b", 1)])
    under_test.outcomes.mark_queued([ItemOutcome("hat", "queued", "b", 1)])

    assert under_test.stored() == {("hat", "indexed", None), ("mug", "unchanged", None), ("cap", "indexed", None)}


def test_a_shops_own_message_is_stored_only_while_it_fails(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_failed("hat", backfill_id=None), ItemOutcome("mug", "indexed")])
    assert under_test.stored() == {("hat", "failed", "picture_unusable")}

    under_test.outcomes.record([ItemOutcome("hat", "indexed")])

    assert under_test.stored() == set()


def test_each_object_of_the_bucket_has_an_outcome_of_its_own(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_upload("front", failed=True), _upload("side", failed=True)])
    under_test.outcomes.record([_upload("front", failed=False)])

    assert under_test.stored() == {("hat", "failed", "picture_unusable")}


def test_a_success_elsewhere_does_not_take_a_backfills_failure_away(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_failed("hat")])
    under_test.outcomes.record([ItemOutcome("hat", "indexed"), ItemOutcome("hat", "indexed", origin="upload", image_url="s3://b/hat")])

    assert under_test.stored() == {("hat", "failed", "picture_unusable")}


def test_recording_nothing_is_no_error(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([])

    assert under_test.stored() == set()


def test_counts_tell_what_became_of_the_items_of_a_run(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record(
        [
            ItemOutcome("hat", "indexed", "b", 1),
            ItemOutcome("mug", "unchanged", "b", 1),
            ItemOutcome("cap", "queued", "b", 1, code="picture_unusable"),
            ItemOutcome("box", "deleted", "b", 1),
            *(_failed(f"bad-{number}") for number in range(2)),
            _failed("gone", "picture_unreachable"),
            ItemOutcome("other", "indexed", "other", 1),
            ItemOutcome("later", "indexed", "b", 2),
            _failed("own", backfill_id=None),
        ]
    )
    under_test.stored()

    counts = under_test.outcomes.counts("b", 1, 1)

    assert (counts.indexed, counts.unchanged, counts.deleted, counts.queued) == (1, 1, 1, 1)
    assert counts.failed == {"picture_unusable": 2, "picture_unreachable": 1}
    assert (counts.settled, counts.recent) == (6, 6)
    assert counts.last_at is not None


def test_counts_of_nothing_are_zero(under_test: OutcomesUnderTest) -> None:
    counts = under_test.outcomes.counts("b", 1, 1)

    assert (counts.settled, counts.failed, counts.last_at) == (0, {}, None)


def _record_three_runs(outcomes: OutcomeStore) -> None:
    """Run 1 read the whole source, runs 2 and 3 only what had changed."""
    outcomes.record([_failed("hat"), _failed("mug", "picture_unreachable"), ItemOutcome("cap", "indexed", "b", 1)])
    outcomes.record([replace(_failed("lamp"), run=2), ItemOutcome("mug", "indexed", "b", 2)])
    outcomes.record([ItemOutcome("box", "indexed", "b", 3), replace(_failed("vase", "download_failed"), run=3)])
    outcomes.mark_queued([ItemOutcome("new", "queued", "b", 3)])
    outcomes.record([replace(_failed("again"), state="queued", run=2)])


def test_outcomes_are_counted_for_one_run_and_failures_since_the_last_full_run(under_test: OutcomesUnderTest) -> None:
    _record_three_runs(under_test.outcomes)
    under_test.stored()

    counts = under_test.outcomes.counts("b", 3, 1)

    assert (counts.indexed, counts.unchanged, counts.deleted, counts.failed) == (1, 0, 0, {"download_failed": 1})
    assert counts.failures == {"picture_unusable": 2, "download_failed": 1}
    assert (counts.queued, counts.settled, counts.recent) == (2, 2, 2)


def test_a_full_run_supersedes_what_failed_and_was_queued_before_it(under_test: OutcomesUnderTest) -> None:
    _record_three_runs(under_test.outcomes)
    under_test.stored()

    counts = under_test.outcomes.counts("b", 3, 3)

    assert (counts.failed, counts.failures) == ({"download_failed": 1}, {"download_failed": 1})
    assert counts.queued == 1


def test_failures_are_listed_over_several_runs_each_with_its_own(under_test: OutcomesUnderTest) -> None:
    _record_three_runs(under_test.outcomes)

    def listed(full_run: int, **more: Any) -> list[tuple[str, int]]:
        return [(failure.key, failure.run) for failure in under_test.outcomes.failures("b", full_run, size=9, **more)]

    assert listed(1) == [("hat", 1), ("lamp", 2), ("vase", 3)]
    assert listed(2) == [("lamp", 2), ("vase", 3)]
    assert listed(1, code="picture_unusable") == [("hat", 1), ("lamp", 2)]
    assert listed(1, after="hat") == [("lamp", 2), ("vase", 3)]
    assert listed(2, with_queued=True) == [("again", 2), ("lamp", 2), ("new", 3), ("vase", 3)]


def test_failures_are_listed_page_by_page_with_their_reasons(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record(
        [*(_failed(f"bad-{number}") for number in range(5)), ItemOutcome("hat", "indexed", "b", 1), _failed("x", "other")]
    )
    first = under_test.outcomes.failures("b", 1, size=4)
    rest = under_test.outcomes.failures("b", 1, after=first[-1].key, size=4)

    assert [failure.product_id for failure in [*first, *rest]] == [*(f"bad-{number}" for number in range(5)), "x"]
    assert (first[0].image_url, first[0].code, first[0].reason) == ("http://a/bad-0", "picture_unusable", "it is no picture")
    assert [failure.key for failure in under_test.outcomes.failures("b", 1, code="other", size=9)] == ["x"]
    assert list(under_test.outcomes.failures("b", 2, size=9)) == []


def test_queued_items_are_listed_among_failures_only_if_asked_for(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([_failed("hat"), replace(_failed("mug"), state="queued"), ItemOutcome("new", "queued", "b", 1)])

    assert [failure.key for failure in under_test.outcomes.failures("b", 1, size=9)] == ["hat"]
    assert [failure.key for failure in under_test.outcomes.failures("b", 1, code="picture_unusable", size=9, with_queued=True)] == [
        "hat",
        "mug",
    ]


def test_marking_items_as_queued_replaces_no_outcome_of_the_same_run(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([ItemOutcome("hat", "indexed", "b", 2), ItemOutcome("mug", "indexed", "b", 1)])
    under_test.outcomes.mark_queued([ItemOutcome(name, "queued", "b", 2) for name in ("hat", "mug", "cap", "cap")])

    assert under_test.stored() == {("hat", "indexed", None), ("mug", "queued", None), ("cap", "queued", None)}
    assert under_test.outcomes.counts("b", 2, 2).queued == 2
    under_test.outcomes.mark_queued([])


def test_items_that_only_earlier_runs_found_are_counted_listed_and_removed(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record(
        [*(ItemOutcome(f"old-{number}", "indexed", "b", 1) for number in range(3)), ItemOutcome("hat", "indexed", "b", 2)]
    )
    under_test.outcomes.record([ItemOutcome("other", "indexed", "c", 1)])

    assert under_test.outcomes.count_of_earlier_runs("b", 2) == 3
    [first, second] = under_test.outcomes.of_earlier_runs("b", 2, size=2)
    assert [each.key for each in under_test.outcomes.of_earlier_runs("b", 2, after=second.key, size=2)] == ["old-2"]
    under_test.outcomes.remove("b", [first.key, second.key, "nobody"])

    assert under_test.stored() == {("old-2", "indexed", None), ("hat", "indexed", None), ("other", "indexed", None)}


def _summaries(client: Elasticsearch, name: str) -> Summaries:
    if not client.indices.exists(index=name):
        return set()
    client.indices.refresh(index=name)
    hits = client.search(index=name, size=100)["hits"]["hits"]
    return {(hit["_source"]["product_id"], hit["_source"]["state"], hit["_source"]["code"]) for hit in hits}


def test_a_dead_letter_s_item_fails_unless_the_same_or_a_later_run_settled_it(under_test: OutcomesUnderTest) -> None:
    under_test.outcomes.record([ItemOutcome("settled", "indexed", "b", 1), ItemOutcome("earlier", "indexed", "b", 0)])
    under_test.outcomes.mark_queued([ItemOutcome("waiting", "queued", "b", 1)])

    names = ("settled", "earlier", "waiting", "unknown")
    under_test.outcomes.record_dead_letters(_failed(name, "dead_letter") for name in names)

    failed = {(name, "failed", "dead_letter") for name in names[1:]}
    assert under_test.stored() == {("settled", "indexed", None)} | failed


def test_an_index_that_was_deleted_meanwhile_is_made_anew_with_its_mapping(elasticsearch: Elasticsearch) -> None:
    with own_name(elasticsearch) as name:
        store = ElasticsearchOutcomeStore(elasticsearch, name)
        store.record([ItemOutcome("hat", "indexed", "b", 1)])
        elasticsearch.indices.delete(index=name)

        store.record([_failed("mug")])
        elasticsearch.indices.delete(index=name)
        assert store.failures("b", 1, size=10) == []
        elasticsearch.indices.delete(index=name)
        store.mark_queued([ItemOutcome("cap", "queued", "b", 1)])
        elasticsearch.indices.refresh(index=name)

        assert store.counts("b", 1, 1).queued == 1
        assert elasticsearch.indices.get_mapping(index=name)[name]["mappings"]["properties"]["state"] == {"type": "keyword"}
