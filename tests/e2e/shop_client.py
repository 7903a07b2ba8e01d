"""What a shop does with the system, for tests: uploads, searches, and reads of the index."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from elasticsearch import Elasticsearch

from infra.local.running_system import RunningSystem

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class ShopClient:
    """Puts pictures into the bucket, reads the index and its outcomes, and searches over HTTP."""

    system: RunningSystem
    s3: "S3Client"
    elasticsearch: Elasticsearch

    def put(self, key: str, content: bytes, attributes: Mapping[str, str] | None = None) -> None:
        """Puts an object into the bucket."""
        self.s3.put_object(Bucket=self.system.bucket, Key=key, Body=content, Metadata=dict(attributes or {}))

    def delete(self, key: str) -> None:
        """Deletes an object."""
        self.s3.delete_object(Bucket=self.system.bucket, Key=key)

    def documents(self, product_id: str) -> list[dict[str, Any]]:
        """What the index holds of a product, vectors included."""
        alias = self.system.alias
        if not self.elasticsearch.indices.exists_alias(name=alias):
            return []
        self.elasticsearch.indices.refresh(index=alias)
        found = self.elasticsearch.search(
            index=alias, query={"term": {"product_id": product_id}}, fields=[{"field": "image_vector"}], size=100
        )
        return [{**hit["_source"], "image_vector": hit["fields"]["image_vector"]} for hit in found["hits"]["hits"]]

    def outcome(self, product_id: str) -> dict[str, Any] | None:
        """The stored outcome of a product, or of an upload."""
        index = f"{self.system.alias}-outcomes"
        if not self.elasticsearch.indices.exists(index=index):
            return None
        self.elasticsearch.indices.refresh(index=index)
        hits = self.elasticsearch.search(index=index, query={"term": {"product_id": product_id}}, size=1)["hits"]["hits"]
        return hits[0]["_source"] if hits else None

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """Asks the search endpoint."""
        given = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in parameters.items()}
        return requests.get(f"{self.system.search_url}{path}", params=given, timeout=60)

    def search(self, body: Mapping[str, Any]) -> requests.Response:
        """``POST /search`` with JSON."""
        return requests.post(f"{self.system.search_url}/search", json=body, timeout=60)

    def search_by_upload(self, content: bytes, content_type: str = "image/jpeg", **parameters: Any) -> requests.Response:
        """``POST /search`` with a picture's file."""
        return requests.post(
            f"{self.system.search_url}/search", data=content, params=parameters, headers={"Content-Type": content_type}, timeout=60
        )

    def search_by_form(self, content: bytes) -> requests.Response:
        """``POST /search`` as a browser's form sends a picture's file."""
        files = {"image": ("picture.jpg", content, "image/jpeg")}
        return requests.post(f"{self.system.search_url}/search", files=files, timeout=60)
