"""A few of the faults that `python -m tests.chaos` tries all of: nothing lost, nothing wrong, nothing without a reason, on all ways in."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch

from tests.chaos.faults import FAULTS
from tests.chaos.rig import Rig, running
from tests.chaos.trial import prepare, tried
from tests.server_folder import server_folder

TRIED = (
    "Elasticsearch resets connections",
    "Elasticsearch cuts answers off",
    "half of each bulk is rejected",
    "S3 and SQS cannot be reached",
    "picture hosts cut pictures off",
)
CHOSEN = [replace(fault, seconds=2) for fault in FAULTS if fault.name in TRIED]
ALIAS = "test-faults"

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def rig(elasticsearch_url: str) -> Iterator[Rig]:
    """On the session's Elasticsearch, which is behind a proxy of its own."""
    try:
        with server_folder("faults") as folder, running(folder / "rig", elasticsearch_url=elasticsearch_url, alias=ALIAS) as made:
            prepare(made, CHOSEN)
            yield made
    finally:
        with Elasticsearch(elasticsearch_url, request_timeout=60) as client:
            own = [*client.indices.get(index=f"{ALIAS}*", features=["aliases"]), *client.indices.get(index="shop-f*", features=["aliases"])]
            client.indices.delete(index=own)


@pytest.mark.parametrize("number", range(len(CHOSEN)), ids=[fault.name for fault in CHOSEN])
def test_what_was_acknowledged_is_found_in_the_end(rig: Rig, number: int) -> None:
    row = tried(rig, CHOSEN[number], number)

    assert not row.faults, "\n".join(row.faults)
