"""A client of the search API, as a shop's own service would have one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

TIMEOUT_S = 30
CONNECTIONS = 16


class SearchRefused(Exception):
    """The API's answer is an error; ``str(error)`` is its message."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: ``hits`` as the API gives them, the model's id, and milliseconds by stage."""

    hits: list[dict[str, Any]]
    model: str
    timings_ms: dict[str, float]


class SearchClient:
    """Searches; may be shared by threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))

    def by_url(self, image_url: str, size: int) -> Found:
        """What looks like the picture at this address."""
        return self._ask("GET", params={"image_url": image_url, "size": str(size)})

    def by_upload(self, picture: Path, content_type: str, size: int) -> Found:
        """What looks like this file, which is sent as the request's body."""
        return self._ask("POST", params={"size": str(size)}, data=picture.read_bytes(), headers={"Content-Type": content_type})

    def by_product(self, product_id: str, size: int) -> Found:
        """What looks like a product that is indexed; itself left out."""
        return self._ask("POST", json={"product_id": product_id, "size": size})

    def _ask(self, method: str, **request: Any) -> Found:
        answer = self._session.request(method, f"{self._url}/search", timeout=TIMEOUT_S, **request)
        body = answer.json()
        if answer.status_code != requests.codes.ok:
            raise SearchRefused(f"{answer.status_code}: {body['error']['message']}")
        return Found(body["hits"], body["model"], body["timings_ms"])
