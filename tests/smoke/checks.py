"""The checks, in their order; each is a promise of the pages, and raises `AssertionError` if it is broken."""

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
import requests
from PIL import Image

from tests.smoke.stack import Stack, wait_until


@dataclass(frozen=True)
class Sample:
    """A picture that nobody else has, and the products that are made of it."""

    run: str
    picture: bytes
    uploaded: str
    posted: str

    @property
    def key(self) -> str:
        """Where it is in the bucket."""
        return f"images/{self.uploaded}/front.png"


@contextmanager
def sample(stack: Stack) -> Iterator[Sample]:
    """Puts the picture into the bucket and into the products queue; at the end both products are gone again."""
    run = f"smoke-{uuid4().hex[:12]}"
    made = Sample(run, _picture(run), f"{run}-uploaded", f"{run}-posted")
    try:
        yield made
    finally:
        stack.post({"delete": [made.posted]})
        stack.remove(made.key)
        for product in (made.uploaded, made.posted):
            wait_until(lambda name=product: stack.ask("GET", f"/products/{name}").status_code == 404, f"{product} is gone")  # type: ignore[misc]


def _picture(run: str) -> bytes:
    """Large coloured tiles, drawn by the run's name."""
    tiles = np.random.default_rng(list(run.encode())).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(tiles).resize((300, 300), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def upload(stack: Stack, made: Sample) -> None:
    """A picture in the bucket is found a moment later, with its metadata as attributes."""
    stack.upload(made.key, made.picture, {"category": "smoke", "price": "12.5"})
    wait_until(lambda: stack.ask("GET", f"/products/{made.uploaded}").ok, "the upload is found")
    assert stack.ask("GET", f"/products/{made.uploaded}").json()["attributes"]["category"] == "smoke"


def queue(stack: Stack, made: Sample) -> None:
    """A product that is posted to the queue is found too."""
    stack.post({"put": [{"product_id": made.posted, "image_urls": [f"s3://{stack.bucket}/{made.key}"], "attributes": {"smoke": made.run}}]})
    wait_until(lambda: stack.ask("GET", f"/products/{made.posted}").ok, "the posted product is found")


def health(stack: Stack, _: Sample) -> None:
    """All parts agree, now that there is an index."""
    answer = stack.ask("GET", "/health", key="")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text


def doors(stack: Stack, made: Sample) -> None:
    """The picture is found by its bytes, by a form, by JSON, by its product, by its id, and by a weighted list."""
    encoded = base64.b64encode(made.picture).decode()
    image_id = stack.ask("GET", f"/products/{made.uploaded}").json()["pictures"][0]["image_id"]
    by_json: list[dict[str, Any]] = [
        {"image": encoded},
        {"product_id": made.uploaded, "include_self": True},
        {"image_id": image_id, "include_self": True},
        {"images": [{"image": encoded}, {"product_id": made.posted, "weight": 0.5}]},
    ]
    found = [
        stack.ask("POST", "/search", data=made.picture, headers={"Content-Type": "image/png"}),
        stack.ask("POST", "/search", files={"image": ("front.png", made.picture, "image/png")}),
        *(stack.ask("POST", "/search", json=request) for request in by_json),
        stack.ask("GET", f"/products/{made.posted}/similar"),
    ]
    for answer in found:
        assert answer.ok, answer.text
        best = answer.json()["hits"][0]
        assert best["product_id"] in (made.uploaded, made.posted), answer.text
        assert best["score"] > 0.99, answer.text


def address(stack: Stack, made: Sample, picture_url: str = "") -> None:
    """A picture is searched by its address, by default that of the upload's link."""
    url = picture_url or _link(stack, made)
    answer = stack.ask("GET", "/search", params={"image_url": url})
    assert answer.ok, answer.text
    assert answer.json()["hits"], answer.text


def pages_and_filters(stack: Stack, made: Sample) -> None:
    """A filter leaves what matches, and a page goes on where the last one ended."""
    request = {"product_id": made.uploaded, "include_self": True, "size": 1}
    [hit] = stack.ask("POST", "/search", json={**request, "filter": {"smoke": made.run}}).json()["hits"]
    assert hit["product_id"] == made.posted
    first = stack.ask("POST", "/search", json=request).json()
    second = stack.ask("POST", "/search", json={"cursor": first["next_cursor"]}).json()
    assert {first["hits"][0]["product_id"], second["hits"][0]["product_id"]} == {made.uploaded, made.posted}


def links(stack: Stack, made: Sample) -> None:
    """The link of a hit opens without a key, and gives the very picture."""
    answer = requests.get(_link(stack, made), timeout=60, allow_redirects=False)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:300]}"
    assert answer.content == made.picture


def backfill(stack: Stack, made: Sample) -> None:
    """A backfill of one picture of the bucket runs to its end, and finds it unchanged."""
    started = stack.command({"action": "start", "source": {"bucket": stack.bucket, "prefix": f"images/{made.uploaded}/"}})
    assert "backfill_id" in started, started
    question = {"action": "status", "backfill_id": started["backfill_id"]}
    wait_until(lambda: stack.command(question)["state"] == "finished", "the backfill is finished")
    status = stack.command(question)
    assert (status["read"], status["failed"]) == (1, {}), status


def errors(stack: Stack, made: Sample) -> None:
    """Every refusal has the status of its meaning and the one shape of errors."""
    refusals: Mapping[str, tuple[requests.Response, int]] = {
        "an unknown field": (stack.ask("POST", "/search", json={"product": made.uploaded}), 400),
        "an unknown product": (stack.ask("GET", f"/products/{made.run}-nobody"), 404),
        "what is no picture": (stack.ask("POST", "/search", data=b"no picture", headers={"Content-Type": "image/png"}), 422),
    }
    if stack.has_gateway_responses:
        refusals = {**refusals, "an unknown route": (stack.ask("GET", f"/{made.run}"), 404)}
    if stack.key:
        refusals = {**refusals, "a wrong key": (stack.ask("GET", "/stats", key="wrong"), 403)}
    for name, (answer, status) in refusals.items():
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text}"
        error = answer.json()["error"]
        assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "field"}, f"{name}: {error}"
        assert "arn:" not in json.dumps(error), name


def browser(stack: Stack, _: Sample) -> None:
    """The pages open without a key, answer HEAD, and let a page of another origin ask."""
    for path in ("/", "/docs", "/openapi.json"):
        answer, head = stack.ask("GET", path, key=""), stack.ask("HEAD", path, key="")
        assert (answer.status_code, head.status_code, head.content) == (200, 200, b""), path
        assert "max-age" in head.headers["Cache-Control"], path
    preflight = stack.ask("OPTIONS", "/search", key="", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
    assert preflight.ok
    assert "Access-Control-Allow-Origin" in preflight.headers


def _link(stack: Stack, made: Sample) -> str:
    return str(stack.ask("GET", f"/products/{made.uploaded}").json()["pictures"][0]["image_url"])


CHECKS: tuple[Callable[[Stack, Sample], None], ...] = (
    *(upload, queue, health, doors, address, pages_and_filters, links, backfill, errors, browser),
)
