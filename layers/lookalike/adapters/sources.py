"""Whatever a backfill reads: an index on this or another cluster, a bucket, or the index that is searched."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.adapters.s3_objects import S3Objects
from lookalike.backfills import BucketSpec, CurrentSpec, FieldNames, IndexSpec, Page, Position, Row, SourceSpec

_PICTURES = FieldNames("image_id", "image_url", ())


class Sources:
    """Gives each source to the adapter that reads its kind.

    Args:
        own: reads our own cluster.
        objects: reads buckets.
        secret: a secret's text by its ARN, for other clusters.
    """

    def __init__(self, own: ElasticsearchSource, objects: S3Objects, secret: Callable[[str], str]) -> None:
        self._own = own
        self._objects = objects
        self._secret = secret
        self._others: dict[tuple[str, str | None, str | None], ElasticsearchSource] = {}

    def count(self, spec: SourceSpec) -> int | None:
        """How many documents; None if that is known only when they were read."""
        return self._objects.count(spec) if isinstance(spec, BucketSpec) else self._cluster(spec).count(_index(spec))

    def is_unique(self, spec: SourceSpec) -> bool:
        """Whether all documents of a unit come on one page, so that each unit is read once."""
        return self._objects.is_unique(spec) if isinstance(spec, BucketSpec) else self._cluster(spec).is_unique(_index(spec))

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        """Starting points of slices that are disjoint and together everything."""
        return self._objects.slices(spec, most) if isinstance(spec, BucketSpec) else self._cluster(spec).slices(_index(spec), most)

    def page(self, spec: SourceSpec, position: Position, size: int) -> Page:
        """The documents at a position."""
        if isinstance(spec, BucketSpec):
            return self._objects.page(spec, position, size)
        page = self._cluster(spec).page(_index(spec), position, size)
        return replace(page, rows=[_picture(row) for row in page.rows]) if isinstance(spec, CurrentSpec) else page

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[Row]:
        """The documents, as they are now, of units whose outcomes have these keys."""
        if isinstance(spec, BucketSpec):
            return self._objects.find(spec, keys)
        if isinstance(spec, CurrentSpec):
            return [Row(image_id, image_id=image_id) for image_id in keys]
        return self._cluster(spec).find(spec, keys)

    def _cluster(self, spec: IndexSpec | CurrentSpec) -> ElasticsearchSource:
        if isinstance(spec, CurrentSpec) or spec.url is None:
            return self._own
        place = spec.url, spec.secret_arn, spec.ca
        if place not in self._others:
            self._others[place] = ElasticsearchSource(spec.url, self._secret(spec.secret_arn) if spec.secret_arn else None, spec.ca)
        return self._others[place]


def _index(spec: IndexSpec | CurrentSpec) -> IndexSpec:
    return spec if isinstance(spec, IndexSpec) else IndexSpec(spec.index or "", fields=_PICTURES)


def _picture(row: Row) -> Row:
    return Row(row.key, image_id=row.product.product_id, fault=row.fault) if row.product else row
