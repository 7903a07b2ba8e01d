"""Builds the use cases of the function `search`."""

from contextlib import suppress
from functools import cached_property

import boto3
from botocore.config import Config

from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.elasticsearch.indices import IndexInfo
from lookalike.adapters.http import host_headers
from lookalike.adapters.http.host_headers import HostHeaders
from lookalike.adapters.openvino.embedder import Hint
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.adapters.s3.fetcher import PresignedLinks
from lookalike.errors import Misconfigured
from lookalike.health import HealthCheck
from lookalike.search.browse import Browse, BrowsedIndex
from lookalike.search.detect import Detector
from lookalike.search.ports import SearchTarget
from lookalike.search.search import Search
from lookalike.wiring.base import AWS_CONFIG
from lookalike.wiring.models import ModelWiring

REGIONAL_LINKS = Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
"""Regional hosts in presigned URLs: the global one, boto3's default, answers those of most regions with 307 or 400."""


class SearchWiring(ModelWiring):
    """The use cases that read."""

    hint: Hint = "LATENCY"

    @cached_property
    def search(self) -> Search:
        """The use case behind `search`."""
        self.models.begin()
        link = self._links.link  # while the network is loaded: an AWS client takes a tenth of a second
        with suppress(Misconfigured):  # each request then answers 500 with an incident id, and the log says what to correct
            self._load_model()
        return Search(self._searched, self.http_fetcher, link, self._detector, self._searched_next)

    @cached_property
    def detect(self) -> Detector | None:
        """The use case behind ``/detect``; None if the image has no saliency network."""
        return self._detector if self._saliency.ids() else None

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self.http_fetcher, lambda: next(map(self._saliency.embedder, self._saliency.ids()), None))

    @cached_property
    def _saliency(self) -> ModelStore:
        return ModelStore(self.settings.models / "saliency", self.hint)

    def _image_headers(self) -> HostHeaders:
        """Searches, whose URLs are untrusted, send none of the shop's secrets."""
        return host_headers.harmless(super()._image_headers())

    @cached_property
    def browse(self) -> Browse:
        """The use case behind ``/products/{id}``, ``/attributes`` and ``/stats``."""
        return Browse(self._browsed, self._links.link, self._next_model)

    @cached_property
    def _links(self) -> PresignedLinks:
        public = self.settings.public_s3_endpoint
        config = AWS_CONFIG if public else AWS_CONFIG.merge(REGIONAL_LINKS)
        client = boto3.client("s3", config=config, endpoint_url=public)
        buckets = {self.settings.bucket, self.settings.source_bucket}
        return PresignedLinks(client, self.settings.presigned_url_expiry_s, buckets)

    @cached_property
    def health(self) -> HealthCheck:
        """The use case behind `/health`."""
        return HealthCheck(self._cluster, self._current, self._searched, self.models.ids)

    def _searched(self) -> SearchTarget:
        return self._target(self.indices.current())

    def _searched_next(self) -> SearchTarget | None:
        info = self.indices.next()
        return self._target(info) if info else None

    def _target(self, info: IndexInfo) -> SearchTarget:
        return SearchTarget(self._index(info), self._embedder(info))

    def _browsed(self) -> BrowsedIndex:
        info = self.indices.current()
        return BrowsedIndex(self._index(info), info.name, info.model_id)

    def _next_model(self) -> str | None:
        with suppress(Misconfigured):  # writes fail and report it; reads go on
            if info := self.indices.next():
                return info.model_id
        return None

    def _cluster(self) -> str:
        client = self.elasticsearch.options(ignore_status=403)
        with translate_errors():
            info, health = client.info(), client.cluster.health()
        if "version" not in info or "status" not in health:
            return "answers; version and status need an API key with the cluster privilege monitor"
        return f"{info['version']['number']} {health['status']}"

    def _current(self) -> tuple[str, str]:
        info = self.indices.current()
        return info.name, info.model_id
