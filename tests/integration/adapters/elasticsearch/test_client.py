"""What Elasticsearch's answers mean: a transient error, or a wrong setting."""

import json
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from lookalike.adapters.elasticsearch.client import connect
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import ElasticsearchIndices
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import IndexSpec
from lookalike.errors import IndexUnavailable, LookalikeError, Misconfigured
from lookalike.search.ports import Selection

from tests.fakes import MODEL
from tests.integration.scripted_server import Connection, Script, ScriptedServer, answer


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
        ("429 Too Many Requests", IndexUnavailable),
        ("503 Service Unavailable", IndexUnavailable),
        ("504 Gateway Timeout", IndexUnavailable),
        ("500 Internal Server Error", IndexUnavailable),
        ("401 Unauthorized", Misconfigured),
        ("403 Forbidden", Misconfigured),
    ],
)
def test_a_busy_server_is_transient_and_one_that_refuses_our_credentials_is_misconfigured(
    read: Callable[[str], object], status: str, error: type[LookalikeError]
) -> None:
    with ScriptedServer(defaultdict(lambda: _error(status, "some_exception"))) as server, pytest.raises(error):
        read(f"http://{server.origin}")


@pytest.mark.parametrize("read", [_read_index, _read_source])
def test_a_closed_connection_is_transient(read: Callable[[str], object]) -> None:
    with ScriptedServer(defaultdict(lambda: lambda connection: None)) as server, pytest.raises(IndexUnavailable):
        read(f"http://{server.origin}")


@pytest.mark.parametrize("read", [_read_index, _read_source])
def test_an_answer_that_is_cut_off_among_its_headers_is_transient_and_no_empty_success(read: Callable[[str], object]) -> None:
    start = b"HTTP/1.1 200 OK\r\nX-Elastic-Product: Elasticsearch\r\nContent-Type: application/json\r\nContent-Le"
    with ScriptedServer(defaultdict(lambda: lambda connection: connection.send(start))) as server, pytest.raises(IndexUnavailable):
        read(f"http://{server.origin}")


@pytest.mark.parametrize("read", [_read_index, _read_source])
def test_a_timeout_is_transient(read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.adapters.elasticsearch.client.TIMEOUT_S", 0.2)
    monkeypatch.setattr("lookalike.adapters.elasticsearch.source.TIMEOUT_S", 0.2)

    with ScriptedServer(defaultdict(lambda: Connection.wait)) as server, pytest.raises(IndexUnavailable):
        read(f"http://{server.origin}")


def test_an_error_page_of_a_proxy_is_transient() -> None:
    with ScriptedServer(defaultdict(lambda: answer("502 Bad Gateway", b"<html>"))) as server, pytest.raises(IndexUnavailable):
        _read_source(f"http://{server.origin}")


def test_a_source_that_is_not_elasticsearch_is_misconfigured() -> None:
    with ScriptedServer(defaultdict(lambda: answer("200 OK", b"<html>"))) as server, pytest.raises(Misconfigured):
        _read_source(f"http://{server.origin}")


PAGES = [b"<html>", b"null", b"[]", b'"sorry"', b'{"hits": {"hi']


@pytest.mark.parametrize("page", PAGES)
def test_a_success_that_is_no_answer_of_elasticsearch_s_is_transient_or_misconfigured(page: bytes) -> None:
    kind = "text/html" if page.startswith(b"<") else "application/json"
    script = answer("200 OK", page, X_Elastic_Product="Elasticsearch", Content_Type=kind)

    with ScriptedServer(defaultdict(lambda: script)) as server:
        with pytest.raises(IndexUnavailable):
            _read_index(f"http://{server.origin}")
        with pytest.raises(Misconfigured):
            _read_source(f"http://{server.origin}")


def test_a_server_that_is_too_old_is_refused_before_an_index_is_created() -> None:
    old = {"version": {"number": "9.2.1"}, "tagline": "You Know, for Search"}
    scripts = defaultdict(lambda: _elastic("200 OK", {}), {"/": _elastic("200 OK", old)})

    with ScriptedServer(scripts) as server, pytest.raises(Misconfigured, match=r"9\.2\.1 is too old"):
        ElasticsearchIndices(connect(f"http://{server.origin}"), "any").written(MODEL)


def test_a_point_in_time_that_one_shard_has_lost_is_opened_anew() -> None:
    failure = {"shard": 1, "reason": {"type": "search_context_missing_exception", "reason": "No search context found"}}
    partial = {"timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [failure]}, "hits": {"hits": []}}
    position = {"pit": "an id", "slice": 0, "slices": 2, "after": [7]}

    with ScriptedServer({"/_search": _elastic("200 OK", partial)}) as server:
        page = ElasticsearchSource(f"http://{server.origin}").page(IndexSpec("any"), position, 10)

    assert (list(page.documents), page.next) == ([], {**position, "pit": None, "after": None})


def test_a_page_that_not_all_shards_answered_is_read_again() -> None:
    failure = {"shard": 1, "reason": {"type": "node_not_connected_exception", "reason": "it went"}}
    partial = {"timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [failure]}, "hits": {"hits": []}}
    position = {"pit": "an id", "slice": 0, "slices": 2, "after": [7]}

    with ScriptedServer({"/_search": _elastic("200 OK", partial)}) as server, pytest.raises(IndexUnavailable):
        ElasticsearchSource(f"http://{server.origin}").page(IndexSpec("any"), position, 10)


@pytest.mark.parametrize(
    ("status", "kind", "error", "words"),
    [
        ("400 Bad Request", "media_type_header_exception", Misconfigured, "too old: 9.3 or later"),
        ("403 Forbidden", "cluster_block_exception", IndexUnavailable, "blocks the index"),
        ("400 Bad Request", "index_closed_exception", IndexUnavailable, "is closed"),
    ],
)
def test_what_keeps_an_index_from_answering_is_told(status: str, kind: str, error: type[LookalikeError], words: str) -> None:
    with ScriptedServer(defaultdict(lambda: _error(status, kind))) as server, pytest.raises(error, match=words):
        _read_index(f"http://{server.origin}")


def _wants_key(key: str) -> Script:
    """Answers no hits to whoever has the key, and 401 to others."""

    def script(connection: Connection) -> None:
        is_known = connection.headers["Authorization"] == f"ApiKey {key}"
        hits = {"hits": {"hits": []}, "_shards": {"failed": 0}, "timed_out": False}
        (_elastic("200 OK", hits) if is_known else _error("401 Unauthorized", "security_exception"))(connection)

    return script


def test_a_secret_that_was_rotated_is_read_anew_once() -> None:
    reads: list[str] = []

    def new_secret() -> str:
        reads.append("read")
        return json.dumps({"api_key": "new"})

    with ScriptedServer(defaultdict(lambda: _wants_key("new"))) as server:
        client = connect(f"http://{server.origin}", json.dumps({"api_key": "old"}), new_secret=new_secret)
        index = ElasticsearchIndex(client, "any")
        assert (list(index.stored_of("hat", 5)), list(index.stored_of("hat", 5))) == ([], [])

    assert reads == ["read"]


def test_a_new_secret_that_is_refused_too_is_misconfigured() -> None:
    with ScriptedServer(defaultdict(lambda: _wants_key("new"))) as server:
        client = connect(f"http://{server.origin}", json.dumps({"api_key": "old"}), new_secret=lambda: json.dumps({"api_key": "other"}))
        with pytest.raises(Misconfigured, match="credentials"):
            ElasticsearchIndex(client, "any").stored_of("hat", 5)


def test_elasticsearch_is_told_which_request_it_works_for() -> None:
    seen: list[str | None] = []

    def script(connection: Connection) -> None:
        seen.append(connection.headers.get("X-Opaque-Id"))
        _elastic("200 OK", {"hits": {"hits": []}, "_shards": {"failed": 0}, "timed_out": False})(connection)

    ids = iter(["a-request", None])
    with ScriptedServer(defaultdict(lambda: script)) as server:
        index = ElasticsearchIndex(connect(f"http://{server.origin}", request_id=lambda: next(ids)), "any")
        list(index.stored_of("hat", 5))
        list(index.stored_of("hat", 5))

    assert seen == ["a-request", None]


@pytest.mark.parametrize("ca", ["garbage", "-----BEGIN CERTIFICATE----- one line -----END CERTIFICATE-----"])
def test_an_authority_that_is_no_pem_names_its_setting(ca: str) -> None:
    with pytest.raises(Misconfigured, match="LOOKALIKE_ELASTICSEARCH_CA"):
        connect("https://127.0.0.1:9", ca=ca)


def test_a_source_s_secret_that_was_rotated_is_read_anew() -> None:
    old, new = (json.dumps({"api_key": key}) for key in ("old", "new"))

    def script(connection: Connection) -> None:
        is_known = connection.headers["Authorization"] == "ApiKey new"
        (_elastic("200 OK", {"count": 7}) if is_known else _error("401 Unauthorized", "security_exception"))(connection)

    with ScriptedServer(defaultdict(lambda: script)) as server:
        assert ElasticsearchSource(f"http://{server.origin}", old, new_secret=lambda: new).count(IndexSpec("any")) == 7


def test_a_server_that_takes_no_packed_query_vector_is_asked_in_json_from_then_on() -> None:
    fault = {"error": {"type": "parsing_exception", "reason": "failed to parse field [query_vector]"}, "status": 400}
    found = _elastic("200 OK", {"hits": {"total": {"value": 0}, "hits": []}})
    answers = iter([_elastic("400 Bad Request", fault), found, found])

    with ScriptedServer({"/any/_search?allow_partial_search_results=false": lambda connection: next(answers)(connection)}) as server:
        index = ElasticsearchIndex(connect(f"http://{server.origin}"), "any")
        for _ in range(2):
            assert index.nearest(np.ones(8, np.float32), Selection(), k=1, size=1).is_all

    assert len(server.connections) == 3
