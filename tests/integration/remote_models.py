"""Local stand-ins of Amazon Bedrock and of Elasticsearch's inference endpoints: servers that hold to the documented wire format."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import numpy as np
from PIL import Image

TITAN, NOVA, ENDPOINT = "amazon.titan-embed-image-v1", "amazon.nova-2-multimodal-embeddings-v1:0", "my-pictures"


class Refused(Exception):
    """The request is not as the documentation has it."""


class Service(ThreadingHTTPServer):
    """Answers each picture or text with numbers of its own, not of unit length; ``faults`` come first, one a request.

    A fault is (status, code, message); ``requests`` are path and body of each.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults: list[tuple[int, str, str]] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.Lock()
        self.added_dimensions = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def numbers(self, subject: bytes | str, dimensions: int) -> list[float]:
        """Of a picture or text."""
        seed = int.from_bytes(sha256(subject.encode() if isinstance(subject, str) else subject).digest()[:8])
        return list(map(float, 3 * np.random.default_rng(seed).normal(size=dimensions + self.added_dimensions)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        path, body = unquote(self.path), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((path, body))
            fault = self.server.faults.pop(0) if self.server.faults else None
        try:
            if fault:
                self._fail(*fault)
            elif path.startswith("/_inference/embedding/"):
                self._send(200, _inference(self.server, path, body))
            else:
                self._send(200, _bedrock(self.server, path, body))
        except (Refused, KeyError, ValueError, TypeError) as error:
            self._fail(400, "ValidationException", f"Malformed input request: {error!r}")

    def _fail(self, status: int, code: str, message: str) -> None:
        if self.path.startswith("/_inference"):
            self._send(
                status, {"error": {"root_cause": [{"type": code, "reason": message}], "type": code, "reason": message}, "status": status}
            )
        else:
            self._send(status, {"message": message}, {"x-amzn-ErrorType": code})

    def _send(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _bedrock(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path == f"/model/{TITAN}/invoke":
        _only(body, {"inputText", "inputImage", "embeddingConfig"})
        subject = body["inputText"] if "inputText" in body else _picture(body["inputImage"])
        dimensions = _one_of(body["embeddingConfig"]["outputEmbeddingLength"], 256, 384, 1024)
        return {"embedding": service.numbers(subject, dimensions), "inputTextTokenCount": 3, "message": None}
    if path != f"/model/{NOVA}/invoke":
        raise Refused("The provided model identifier is invalid.")
    _only(body, {"schemaVersion", "taskType", "singleEmbeddingParams"})
    _one_of(body["taskType"], "SINGLE_EMBEDDING")
    given = body["singleEmbeddingParams"]
    _only(given, {"embeddingPurpose", "embeddingDimension", "text", "image"})
    _one_of(given["embeddingPurpose"], "GENERIC_INDEX", "GENERIC_RETRIEVAL", "IMAGE_RETRIEVAL")
    dimensions = _one_of(given["embeddingDimension"], 256, 384, 1024, 3072)
    if "text" in given:
        _one_of(given["text"]["truncationMode"], "START", "END", "NONE")
        kind, subject = "TEXT", given["text"]["value"]
    else:
        _one_of(given["image"]["format"], "png", "jpeg", "gif", "webp")
        kind, subject = "IMAGE", _picture(given["image"]["source"]["bytes"])
    return {"embeddings": [{"embeddingType": kind, "embedding": service.numbers(subject, dimensions)}]}


def _inference(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path != f"/_inference/embedding/{ENDPOINT}":
        raise Refused("Inference endpoint not found")
    _only(body, {"input", "input_type", "task_settings"})
    answers = []
    for each in body["input"]:
        content = each["content"]
        _only(content, {"type", "format", "value"})
        if content["type"] == "image":
            _one_of(content["format"], "base64")
            scheme, _, encoded = content["value"].partition(",")
            _one_of(scheme, "data:image/jpeg;base64")
        answers.append({"embedding": service.numbers(_picture(encoded) if content["type"] == "image" else content["value"], 1024)})
    return {"embeddings": answers}


def _picture(encoded: str) -> bytes:
    content = base64.b64decode(encoded, validate=True)
    if min(Image.open(BytesIO(content)).size) < 128:
        raise Refused("the picture is smaller than 128 pixels")
    return content


def _only(given: dict[str, Any], known: set[str]) -> None:
    if unknown := given.keys() - known:
        raise Refused(f"extraneous keys {sorted(unknown)}")


def _one_of(value: Any, *known: Any) -> Any:
    if value not in known:
        raise Refused(f"{value!r} is none of {known}")
    return value


@contextmanager
def serving() -> Iterator[Service]:
    """A stand-in of its own."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
