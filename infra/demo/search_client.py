"""A client of the search API, as a shop's own service would have one."""

from pathlib import Path
from typing import Any

import requests
from lookalike.picture_formats import media_type_of
from requests.adapters import HTTPAdapter

from infra.local.child_process import Failure
from infra.local.invocation import Json

TIMEOUT_S = 30
CONNECTIONS = 16


class SearchClient:
    """Searches, and gives back the API's answers as they are; may be shared by threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))

    def by_url(self, image_url: str, size: int) -> Json:
        """What looks like the picture at this address."""
        return self._ask("GET", params={"image_url": image_url, "size": str(size)})

    def by_upload(self, picture: Path, size: int) -> Json:
        """What looks like this file, which is sent as the request's body."""
        headers = {"Content-Type": media_type_of(picture.name)}
        return self._ask("POST", params={"size": str(size)}, data=picture.read_bytes(), headers=headers)

    def by_product(self, product_id: str, size: int) -> Json:
        """What looks like a product that is indexed; itself left out."""
        return self._ask("POST", json={"product_id": product_id, "size": size})

    def _ask(self, method: str, **request: Any) -> Json:
        answer = self._session.request(method, f"{self._url}/search", timeout=TIMEOUT_S, **request)
        body: Json = answer.json()
        if not answer.ok:
            raise Failure(f"{answer.status_code}: {body['error']['message']}")
        return body
