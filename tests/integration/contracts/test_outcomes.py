"""What every memory of outcomes promises: the last one of each product in its own right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.products import Outcomes, ProductOutcome

from tests.fakes import FakeOutcomes
from tests.integration.samples import DEFINITIONS, own_name

Remembered = set[tuple[str, str, str | None]]


@dataclass(frozen=True)
class Bench:
    """Outcomes, and which are remembered: product, state, code."""

    outcomes: Outcomes
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


def _remembered(client: Elasticsearch, name: str) -> Remembered:
    if not client.indices.exists(index=name):
        return set()
    client.indices.refresh(index=name)
    hits = client.search(index=name, size=100)["hits"]["hits"]
    return {(hit["_source"]["product_id"], hit["_source"]["state"], hit["_source"]["code"]) for hit in hits}
