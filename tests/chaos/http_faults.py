"""A reverse proxy that answers some requests itself, as a server that has too much to do."""

import json
import threading
from collections.abc import Callable, Iterator

import urllib3
from werkzeug.wrappers import Request, Response

from infra.local.loopback import LoopbackServer

Interfere = Callable[[Request, bytes, Callable[[bytes], Response]], Response | None]
"""Request, its body, and what passes a body on -> the answer; None passes the request on as it is."""

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class HttpFaults(LoopbackServer):
    """Stands before a server; ``upstream`` is the server's ``host:port``."""

    def __init__(self, upstream: str, interfere: Interfere) -> None:
        super().__init__(self._answer)
        self._upstream = upstream
        self._interfere = interfere
        self._pool = urllib3.PoolManager(maxsize=32, retries=False)

    @property
    def origin(self) -> str:
        """``host:port``."""
        return self.url.partition("//")[2]

    def _answer(self, request: Request) -> Response:
        body = request.get_data()
        return self._interfere(request, body, lambda changed: self._pass_on(request, changed)) or self._pass_on(request, body)

    def _pass_on(self, request: Request, body: bytes) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = f"http://{self._upstream}{request.environ['RAW_URI']}"
        answer = self._pool.request(request.method, url, body=body, headers=headers, decode_content=False)
        returned = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
        return Response(answer.data, answer.status, returned)


def every_other(status: int, kind: str) -> Interfere:
    """Two of three requests are answered with a status: Elasticsearch's, S3's and a web server's form of it at once."""
    numbers, lock = iter(range(10**9)), threading.Lock()
    cause = {"type": kind, "reason": "a fault of the test"}
    body = json.dumps({"error": {**cause, "root_cause": [cause]}, "status": status, "__type": kind})
    headers = {"X-Elastic-Product": "Elasticsearch", "Retry-After": "1"}

    def interfere(request: Request, _: bytes, __: Callable[[bytes], Response]) -> Response | None:
        with lock:
            number = next(numbers)
        return None if number % 3 == 2 else Response(body, status, headers, content_type="application/json")

    return interfere


def partial_bulk(request: Request, body: bytes, pass_on: Callable[[bytes], Response]) -> Response | None:
    """Of each bulk request, every second operation is rejected, as by a full queue of writes; the others are carried out."""
    if not request.path.endswith("/_bulk"):
        return None
    operations = list(_operations(body))
    kept = b"".join(lines for number, (lines, _) in enumerate(operations) if number % 2)
    done = iter(json.loads(pass_on(kept).data)["items"]) if kept else iter(())
    items = [next(done) if number % 2 else _rejected(action) for number, (_, action) in enumerate(operations)]
    answer = {"took": 1, "errors": True, "items": items}
    return Response(json.dumps(answer), 200, {"X-Elastic-Product": "Elasticsearch"}, content_type="application/json")


def _operations(body: bytes) -> Iterator[tuple[bytes, dict[str, dict[str, str]]]]:
    """The lines of each operation, and its action."""
    lines = iter(body.splitlines(keepends=True))
    for line in lines:
        action = json.loads(line)
        yield line if "delete" in action else line + next(lines), action


def _rejected(action: dict[str, dict[str, str]]) -> dict[str, object]:
    [(operation, target)] = action.items()
    error = {"type": "es_rejected_execution_exception", "reason": "a fault of the test: the queue of writes is full"}
    return {operation: {"_index": target.get("_index"), "_id": target.get("_id"), "status": 429, "error": error}}
