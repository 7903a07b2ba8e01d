"""The faults of the table that `python -m tests.chaos` prints: what each does to the system, and how it ends."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.chaos.http_faults import HttpFaults, Interfere, every_other, partial_bulk
from tests.chaos.rig import Rig

LONG_S = 31
"""Longer than a search lasts: the first ones have to be refused in time."""

NONE: frozenset[int] = frozenset()
BY_THE_GATEWAY = frozenset({502})
"""What API Gateway answers for a function that died."""

FUNCTIONS = ("on-upload", "index-products", "backfill", "search")


@dataclass(frozen=True)
class Fault:
    """A fault that holds while its block lasts.

    Args:
        name: in the table.
        holds: begins and ends it.
        seconds: how long it holds.
        forgets: what was in the index before is gone, and nobody can want it back.
        allowed: statuses that searches may be answered with, besides 200 and 503.
    """

    name: str
    holds: Callable[[Rig], AbstractContextManager[None]]
    seconds: float = 3
    forgets: bool = False
    allowed: frozenset[int] = NONE


def _proxied(proxy: str, kind: str, stream: str = "downstream", **attributes: int) -> Callable[[Rig], AbstractContextManager[None]]:
    @contextmanager
    def holds(rig: Rig) -> Iterator[None]:
        rig.proxies[proxy].toxic(kind, stream, **attributes)
        yield
        rig.proxies[proxy].heal()

    return holds


def _away(proxy: str) -> Callable[[Rig], AbstractContextManager[None]]:
    @contextmanager
    def holds(rig: Rig) -> Iterator[None]:
        rig.proxies[proxy].away()
        yield
        rig.proxies[proxy].heal()

    return holds


def _answers(proxy: str, interfere: Callable[[], Interfere]) -> Callable[[Rig], AbstractContextManager[None]]:
    @contextmanager
    def holds(rig: Rig) -> Iterator[None]:
        with HttpFaults(rig.proxies[proxy].upstream, interfere()) as server:
            rig.proxies[proxy].lead_to(server.origin)
            yield
            rig.proxies[proxy].heal()

    return holds


def _blocked(setting: str) -> Callable[[Rig], AbstractContextManager[None]]:
    """A block of every index of the system, as an administrator or Elasticsearch itself sets it."""

    @contextmanager
    def holds(rig: Rig) -> Iterator[None]:
        rig.elasticsearch.indices.put_settings(index=f"{rig.system.alias}*", settings={f"index.blocks.{setting}": True})
        yield
        rig.elasticsearch.indices.put_settings(index=f"{rig.system.alias}*", settings={f"index.blocks.{setting}": None})

    return holds


@contextmanager
def _closed(rig: Rig) -> Iterator[None]:
    indices = rig.own_indices()
    rig.elasticsearch.indices.close(index=indices)
    yield
    rig.elasticsearch.indices.open(index=indices)


@contextmanager
def _index_deleted(rig: Rig) -> Iterator[None]:
    rig.elasticsearch.indices.delete(index=[*rig.own_indices(), f"{rig.system.alias}-product-states"])
    yield


@contextmanager
def _outcomes_deleted(rig: Rig) -> Iterator[None]:
    rig.elasticsearch.indices.delete(index=f"{rig.system.alias}-outcomes", ignore_unavailable=True)
    yield


def _killed(*functions: str) -> Callable[[Rig], AbstractContextManager[None]]:
    """At five random moments, the first ones while what was just acknowledged is worked on."""

    @contextmanager
    def holds(rig: Rig) -> Iterator[None]:
        yield
        for function in functions * 5:
            time.sleep(random.uniform(0, 0.8))
            rig.kill(function)

    return holds


@contextmanager
def _elasticsearch_killed(rig: Rig) -> Iterator[None]:
    yield
    assert rig.system.server
    rig.system.server.kill()
    rig.system.server.start()


FAULTS = (
    Fault("Elasticsearch is slow", _proxied("elasticsearch", "latency", latency=700, jitter=500)),
    Fault("Elasticsearch resets connections", _proxied("elasticsearch", "reset_peer", timeout=20)),
    Fault("Elasticsearch accepts and never answers", _proxied("elasticsearch", "timeout", timeout=0), LONG_S),
    Fault("Elasticsearch never hears", _proxied("elasticsearch", "timeout", "upstream", timeout=0), 11),
    Fault("Elasticsearch drips", _proxied("elasticsearch", "slicer", average_size=8, size_variation=4, delay=800_000), LONG_S),
    Fault("Elasticsearch has a thin line", _proxied("elasticsearch", "bandwidth", rate=3)),
    Fault("Elasticsearch cuts answers off", _proxied("elasticsearch", "limit_data", bytes=700)),
    Fault("Elasticsearch cannot be reached", _away("elasticsearch")),
    Fault("Elasticsearch answers 429", _answers("elasticsearch", lambda: every_other(429, "es_rejected_execution_exception"))),
    Fault("Elasticsearch answers 503", _answers("elasticsearch", lambda: every_other(503, "no_shard_available_action_exception"))),
    Fault("half of each bulk is rejected", _answers("elasticsearch", lambda: partial_bulk)),
    Fault("indices are write-blocked", _blocked("write")),
    Fault("disks are at the flood stage", _blocked("read_only_allow_delete")),
    Fault("the index is closed", _closed),
    Fault("the outcomes are deleted", _outcomes_deleted),
    Fault("Elasticsearch is killed", _elasticsearch_killed, 2),
    Fault("S3 and SQS are slow", _proxied("aws", "latency", latency=700, jitter=500)),
    Fault("S3 and SQS reset connections", _proxied("aws", "reset_peer", timeout=20)),
    Fault("S3 and SQS never answer", _proxied("aws", "timeout", timeout=0), 11),
    Fault("S3 and SQS cannot be reached", _away("aws")),
    Fault("S3 and SQS answer 503", _answers("aws", lambda: every_other(503, "ServiceUnavailable"))),
    Fault("picture hosts reset connections", _proxied("images", "reset_peer", timeout=20)),
    Fault("picture hosts never answer", _proxied("images", "timeout", timeout=0), 11),
    Fault("picture hosts drip", _proxied("images", "bandwidth", rate=1)),
    Fault("picture hosts cut pictures off", _proxied("images", "limit_data", bytes=900)),
    Fault("picture hosts cannot be reached", _away("images")),
    Fault("picture hosts answer 503", _answers("images", lambda: every_other(503, "busy"))),
    *(Fault(f"{name} is killed", _killed(name), 0, allowed=BY_THE_GATEWAY if name == "search" else NONE) for name in FUNCTIONS),
    Fault("the index is deleted", _index_deleted, forgets=True, allowed=frozenset({404})),
)
"""The last one takes away what the others left."""
