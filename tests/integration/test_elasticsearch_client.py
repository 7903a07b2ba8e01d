"""What Elasticsearch's answers mean: come back later, or mend a setting."""

import json
from collections import defaultdict
from collections.abc import Callable

import pytest
from lookalike.adapters.elasticsearch_catalogue import ElasticsearchCatalogue
from lookalike.adapters.elasticsearch_client import connect
from lookalike.adapters.elasticsearch_index import ElasticsearchIndex
from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.backfills import IndexSpec
from lookalike.errors import IndexAway, LookalikeError, Misconfigured

from tests.fakes import MODEL
from tests.integration.samples import DEFINITIONS
from tests.integration.stranger import Script, Stranger, Visitor, answer


def _elastic(status: str, body: object) -> Script:
    """An answer with the header by which the client knows the product."""
    return answer(status, json.dumps(body).encode(), X_Elastic_Product="Elasticsearch", Content_Type="application/json")


def _error(status: str, kind: str) -> Script:
    cause = {"type": kind, "reason": "it said so"}
    return _elastic(status, {"error": {**cause, "root_cause": [cause]}, "status": int(status.split()[0])})


def _read_index(url: str) -> object:
    return ElasticsearchIndex(connect(url), "any").stored_of("hat", 5)


def _read_source(url: str) -> object:
    return ElasticsearchSource(url).count(IndexSpec("any"))


@pytest.mark.parametrize("read", [_read_index, _read_source])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("429 Too Many Requests", IndexAway),
        ("503 Service Unavailable", IndexAway),
        ("504 Gateway Timeout", IndexAway),
        ("401 Unauthorized", Misconfigured),
        ("403 Forbidden", Misconfigured),
    ],
)
def test_a_busy_server_passes_and_one_that_refuses_us_is_our_fault(
    read: Callable[[str], object], status: str, error: type[LookalikeError]
) -> None:
    with Stranger(defaultdict(lambda: _error(status, "some_exception"))) as server, pytest.raises(error):
        read(f"http://{server.origin}")


@pytest.mark.parametrize("read", [_read_index, _read_source])
def test_a_server_that_hangs_up_passes(read: Callable[[str], object]) -> None:
    with Stranger(defaultdict(lambda: lambda visitor: None)) as server, pytest.raises(IndexAway):
        read(f"http://{server.origin}")


@pytest.mark.parametrize("read", [_read_index, _read_source])
def test_a_server_that_says_nothing_passes(read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.adapters.elasticsearch_client.TIMEOUT_S", 0.2)
    monkeypatch.setattr("lookalike.adapters.elasticsearch_source.TIMEOUT_S", 0.2)

    with Stranger(defaultdict(lambda: Visitor.wait)) as server, pytest.raises(IndexAway):
        read(f"http://{server.origin}")


def test_a_proxys_page_instead_of_the_sources_answer_passes() -> None:
    with Stranger(defaultdict(lambda: answer("502 Bad Gateway", b"<html>"))) as server, pytest.raises(IndexAway):
        _read_source(f"http://{server.origin}")


def test_a_source_that_is_no_elasticsearch_is_our_fault() -> None:
    with Stranger(defaultdict(lambda: answer("200 OK", b"<html>"))) as server, pytest.raises(Misconfigured):
        _read_source(f"http://{server.origin}")


def test_a_server_that_is_too_old_is_told_before_an_index_is_made_there() -> None:
    old = {"version": {"number": "9.2.1"}, "tagline": "You Know, for Search"}
    scripts = defaultdict(lambda: _elastic("200 OK", {}), {"/": _elastic("200 OK", old)})

    with Stranger(scripts) as server, pytest.raises(Misconfigured, match=r"9\.2\.1 is too old"):
        ElasticsearchCatalogue(connect(f"http://{server.origin}"), "any", DEFINITIONS).written(MODEL)


def test_a_point_in_time_that_one_shard_has_lost_is_lost() -> None:
    failure = {"shard": 1, "reason": {"type": "search_context_missing_exception", "reason": "No search context found"}}
    partial = {"timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [failure]}, "hits": {"hits": []}}
    position = {"pit": "an id", "slice": 0, "slices": 2, "after": [7]}

    with Stranger({"/_search": _elastic("200 OK", partial)}) as server:
        page = ElasticsearchSource(f"http://{server.origin}").page(IndexSpec("any"), position, 10)

    assert (list(page.rows), page.next) == ([], {**position, "pit": None, "after": None})


def test_a_page_that_not_all_shards_answered_is_read_again() -> None:
    failure = {"shard": 1, "reason": {"type": "node_not_connected_exception", "reason": "it went"}}
    partial = {"timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [failure]}, "hits": {"hits": []}}
    position = {"pit": "an id", "slice": 0, "slices": 2, "after": [7]}

    with Stranger({"/_search": _elastic("200 OK", partial)}) as server, pytest.raises(IndexAway):
        ElasticsearchSource(f"http://{server.origin}").page(IndexSpec("any"), position, 10)
