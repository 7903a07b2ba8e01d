"""Chooses the adapter that reads a backfill's source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.backfill.model import (
    BucketSpec,
    CurrentSpec,
    FieldNames,
    IndexSpec,
    Position,
    Source,
    SourceDocument,
    SourcePage,
    SourceSpec,
)
from lookalike.errors import RequestInvalid

_PICTURE_FIELDS = FieldNames("image_id", "image_url", ())


class SourceByKind(Source):
    """Reads each kind of source with its adapter: an index of this or another cluster, a bucket, or the index that is searched.

    Args:
        own: reads our own cluster.
        objects: reads buckets.
        secret: returns a secret's text by its ARN; if the second argument is true, bypassing the cache.
        secret_arns: by URL, the only secret that may be sent to each other cluster.
    """

    def __init__(
        self,
        own: ElasticsearchSource,
        objects: BucketSource,
        secret: Callable[[str, bool], str],
        secret_arns: Mapping[str | None, str | None],
    ) -> None:
        self._own = own
        self._objects = objects
        self._secret = secret
        self._secret_arns = {_origin(url): arn for url, arn in secret_arns.items() if url}
        self._others: dict[tuple[str, str | None, str | None], ElasticsearchSource] = {}

    def resolved(self, spec: IndexSpec) -> IndexSpec:
        return self._cluster(spec).resolved(spec)

    def count(self, spec: SourceSpec) -> int | None:
        return self._objects.count(spec) if isinstance(spec, BucketSpec) else self._cluster(spec).count(_index(spec))

    def is_unique(self, spec: SourceSpec) -> bool:
        return self._objects.is_unique(spec) if isinstance(spec, BucketSpec) else self._cluster(spec).is_unique(_index(spec))

    def sample(self, spec: IndexSpec, size: int) -> Sequence[SourceDocument]:
        return self._cluster(spec).sample(spec, size)

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        return self._objects.slices(spec, most) if isinstance(spec, BucketSpec) else self._cluster(spec).slices(_index(spec), most)

    def page(self, spec: SourceSpec, position: Position, size: int) -> SourcePage:
        if isinstance(spec, BucketSpec):
            return self._objects.page(spec, position, size)
        page = self._cluster(spec).page(_index(spec), position, size)
        return replace(page, documents=[_picture(document) for document in page.documents]) if isinstance(spec, CurrentSpec) else page

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        if isinstance(spec, BucketSpec):
            return self._objects.find(spec, keys)
        if isinstance(spec, CurrentSpec):
            return [SourceDocument(image_id, image_id=image_id) for image_id in keys]
        return self._cluster(spec).find(spec, keys)

    def _cluster(self, spec: IndexSpec | CurrentSpec) -> ElasticsearchSource:
        if isinstance(spec, CurrentSpec) or spec.url is None:
            return self._own
        place = spec.url, spec.secret_arn, spec.ca
        if place not in self._others:
            arn = self._permitted(spec.url, spec.secret_arn) if spec.secret_arn else None
            new_secret = partial(self._secret, arn, True) if arn else None
            self._others[place] = ElasticsearchSource(spec.url, self._secret(arn, False) if arn else None, spec.ca, new_secret)
        return self._others[place]

    def _permitted(self, url: str, arn: str) -> str:
        if urlsplit(url).scheme != "https":
            raise RequestInvalid("a secret is sent over https only", field="source.url")
        if self._secret_arns.get(_origin(url)) != arn:
            raise RequestInvalid(
                "this secret may not be sent to this address: deploy both, as SourceUrl and SourceSecretArn", field="source.secret_arn"
            )
        return arn


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower().removesuffix(":443")


def _index(spec: IndexSpec | CurrentSpec) -> IndexSpec:
    return spec if isinstance(spec, IndexSpec) else IndexSpec(spec.index or "", fields=_PICTURE_FIELDS)


def _picture(document: SourceDocument) -> SourceDocument:
    """Converts a document of an index of pictures, which was read as a product, to a picture."""
    return SourceDocument(document.key, image_id=document.product.product_id, fault=document.fault) if document.product else document
