"""What every memory of outcomes promises: the last one of each product in its own right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.backfills import Ledger
from lookalike.products import ProductOutcome

from tests.fakes import FakeOutcomes
from tests.integration.samples import DEFINITIONS, own_name

Remembered = set[tuple[str, str, str | None]]


@dataclass(frozen=True)
class Bench:
    """Outcomes, and which are remembered: product, state, code."""

    outcomes: Ledger
    remembered: Callable[[], Remembered]


@pytest.fixture(params=["fake", "elasticsearch"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeOutcomes()
        yield Bench(fake, lambda: {(outcome.product_id, outcome.state, outcome.code) for outcome in fake.known.values()})
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        yield Bench(ElasticsearchOutcomes(client, name, DEFINITIONS), lambda: _remembered(client, name))


def _failed(product_id: str, code: str = "picture_unusable", backfill_id: str | None = "b") -> ProductOutcome:
    return ProductOutcome(product_id, "failed", backfill_id, 1, image_url=f"http://a/{product_id}", code=code, reason="it is no picture")


def _upload(name: str, failed: bool) -> ProductOutcome:
    code = "picture_unusable" if failed else None
    return ProductOutcome("hat", "failed" if failed else "indexed", origin="upload", image_url=f"s3://b/hat/{name}", code=code)


def test_successes_and_failures_of_a_backfill_are_remembered(bench: Bench) -> None:
    bench.outcomes.record([ProductOutcome("hat", "indexed", "b", 1), ProductOutcome("mug", "unchanged", "b", 1), _failed("lamp")])

    assert bench.remembered() == {("hat", "indexed", None), ("mug", "unchanged", None), ("lamp", "failed", "picture_unusable")}


def test_a_later_outcome_takes_the_place_of_an_earlier_one(bench: Bench) -> None:
    bench.outcomes.record([_failed("hat"), _failed("mug")])
    bench.outcomes.record([ProductOutcome("hat", "indexed", "b", 2), _failed("mug", "picture_unreachable")])

    assert bench.remembered() == {("hat", "indexed", None), ("mug", "failed", "picture_unreachable")}


def test_of_two_outcomes_recorded_at_once_the_later_one_counts(bench: Bench) -> None:
    bench.outcomes.record([_failed("hat"), ProductOutcome("hat", "indexed", "b", 1)])

    assert bench.remembered() == {("hat", "indexed", None)}


def test_a_shops_own_message_is_remembered_only_while_it_fails(bench: Bench) -> None:
    bench.outcomes.record([_failed("hat", backfill_id=None), ProductOutcome("mug", "indexed")])
    assert bench.remembered() == {("hat", "failed", "picture_unusable")}

    bench.outcomes.record([ProductOutcome("hat", "indexed")])

    assert bench.remembered() == set()


def test_each_object_of_the_bucket_has_an_outcome_of_its_own(bench: Bench) -> None:
    bench.outcomes.record([_upload("front", failed=True), _upload("side", failed=True)])
    bench.outcomes.record([_upload("front", failed=False)])

    assert bench.remembered() == {("hat", "failed", "picture_unusable")}


def test_a_success_elsewhere_does_not_take_a_backfills_failure_away(bench: Bench) -> None:
    bench.outcomes.record([_failed("hat")])
    bench.outcomes.record([ProductOutcome("hat", "indexed"), ProductOutcome("hat", "indexed", origin="upload", image_url="s3://b/hat")])

    assert bench.remembered() == {("hat", "failed", "picture_unusable")}


def test_recording_nothing_is_no_error(bench: Bench) -> None:
    bench.outcomes.record([])

    assert bench.remembered() == set()


def test_the_tally_counts_what_became_of_the_units_of_a_run(bench: Bench) -> None:
    bench.outcomes.record(
        [
            ProductOutcome("hat", "indexed", "b", 1),
            ProductOutcome("mug", "unchanged", "b", 1),
            ProductOutcome("cap", "posted", "b", 1, code="picture_unusable"),
            ProductOutcome("box", "deleted", "b", 1),
            *(_failed(f"bad-{number}") for number in range(2)),
            _failed("gone", "picture_unreachable"),
            ProductOutcome("other", "indexed", "other", 1),
            ProductOutcome("later", "indexed", "b", 2),
            _failed("own", backfill_id=None),
        ]
    )
    bench.remembered()

    tally = bench.outcomes.tally("b", 1)

    assert (tally.indexed, tally.unchanged, tally.deleted, tally.posted) == (1, 1, 1, 1)
    assert tally.failed == {"picture_unusable": 2, "picture_unreachable": 1}
    assert (tally.settled, tally.recent) == (6, 6)
    assert tally.last_at is not None


def test_a_tally_of_nothing_is_zero(bench: Bench) -> None:
    tally = bench.outcomes.tally("b", 1)

    assert (tally.settled, tally.failed, tally.last_at) == (0, {}, None)


def test_failures_are_listed_page_by_page_with_their_reasons(bench: Bench) -> None:
    bench.outcomes.record(
        [*(_failed(f"bad-{number}") for number in range(5)), ProductOutcome("hat", "indexed", "b", 1), _failed("x", "other")]
    )
    first = bench.outcomes.failures("b", 1, size=4)
    rest = bench.outcomes.failures("b", 1, after=first[-1].key, size=4)

    assert [failure.product_id for failure in [*first, *rest]] == [*(f"bad-{number}" for number in range(5)), "x"]
    assert (first[0].image_url, first[0].code, first[0].reason) == ("http://a/bad-0", "picture_unusable", "it is no picture")
    assert [failure.key for failure in bench.outcomes.failures("b", 1, code="other", size=9)] == ["x"]
    assert list(bench.outcomes.failures("b", 2, size=9)) == []


def test_what_is_under_way_again_is_listed_only_if_asked_for(bench: Bench) -> None:
    bench.outcomes.record([_failed("hat"), replace(_failed("mug"), state="posted"), ProductOutcome("new", "posted", "b", 1)])

    assert [failure.key for failure in bench.outcomes.failures("b", 1, size=9)] == ["hat"]
    assert [failure.key for failure in bench.outcomes.failures("b", 1, code="picture_unusable", size=9, posted=True)] == ["hat", "mug"]


def test_a_claim_takes_no_outcome_of_the_same_run_away(bench: Bench) -> None:
    bench.outcomes.record([ProductOutcome("hat", "indexed", "b", 2), ProductOutcome("mug", "indexed", "b", 1)])
    bench.outcomes.claim([ProductOutcome(name, "posted", "b", 2) for name in ("hat", "mug", "cap", "cap")])

    assert bench.remembered() == {("hat", "indexed", None), ("mug", "posted", None), ("cap", "posted", None)}
    assert bench.outcomes.tally("b", 2).posted == 2
    bench.outcomes.claim([])


def test_what_only_earlier_runs_know_can_be_listed_and_forgotten(bench: Bench) -> None:
    bench.outcomes.record(
        [*(ProductOutcome(f"old-{number}", "indexed", "b", 1) for number in range(3)), ProductOutcome("hat", "indexed", "b", 2)]
    )
    bench.outcomes.record([ProductOutcome("other", "indexed", "c", 1)])

    assert bench.outcomes.count_earlier("b", 2) == 3
    [first, second] = bench.outcomes.earlier("b", 2, size=2)
    assert [each.key for each in bench.outcomes.earlier("b", 2, after=second.key, size=2)] == ["old-2"]
    bench.outcomes.forget("b", [first.key, second.key, "nobody"])

    assert bench.remembered() == {("old-2", "indexed", None), ("hat", "indexed", None), ("other", "indexed", None)}


def _remembered(client: Elasticsearch, name: str) -> Remembered:
    if not client.indices.exists(index=name):
        return set()
    client.indices.refresh(index=name)
    hits = client.search(index=name, size=100)["hits"]["hits"]
    return {(hit["_source"]["product_id"], hit["_source"]["state"], hit["_source"]["code"]) for hit in hits}
