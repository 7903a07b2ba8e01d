"""The pictures of a bucket, and of the index that is searched, as sources."""

from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.dispatch.sources import SourceByKind
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.backfill.model import BucketSpec, CurrentSpec, IndexSpec, Position, SourceDocument, SourceSpec
from lookalike.errors import IndexUnavailable, RequestInvalid

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def sources(elasticsearch_url: str, s3: "S3Client") -> SourceByKind:
    return SourceByKind(ElasticsearchSource(elasticsearch_url), BucketSource(s3), lambda arn, _: arn, {})


def _rows(sources: SourceByKind, spec: SourceSpec, size: int) -> list[SourceDocument]:
    rows: list[SourceDocument] = []
    for start in sources.slices(spec, 3):
        position: Position | None = start
        while position is not None:
            page = sources.page(spec, position, size)
            rows += page.documents
            position = page.next
    return rows


def test_every_picture_of_a_bucket_is_read_once_and_other_objects_are_skipped(
    sources: SourceByKind, s3: "S3Client", bucket_name: str
) -> None:
    keys = ["images/a.jpg", "images/a/front.jpg", "images/a/side view+1.jpg", "images/b.png", "images/", "images/none", "thumbs/a.jpg"]
    for key in keys:
        s3.put_object(Bucket=bucket_name, Key=key, Body=b"x")
    spec = BucketSpec(bucket_name)

    urls = [row.object_url or "" for row in _rows(sources, spec, 2)]

    assert urls == [f"s3://{bucket_name}/{key}" for key in sorted(keys[:4])]
    assert (sources.count(spec), sources.is_unique(spec)) == (4, True)
    assert sources.count(BucketSpec(bucket_name, "images/a/")) == 2
    assert [row.object_url for row in sources.find(spec, [urls[0], "s3://other/images/a.jpg"])] == urls[:1]


def test_an_empty_bucket_has_no_pictures(sources: SourceByKind, bucket_name: str) -> None:
    assert (sources.count(BucketSpec(bucket_name)), _rows(sources, BucketSpec(bucket_name), 10)) == (0, [])


@pytest.mark.parametrize("bucket", ["there-is-no-such-bucket", "No Bucket!"])
def test_an_unknown_bucket_is_an_invalid_request(sources: SourceByKind, bucket: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        sources.count(BucketSpec(bucket))
    assert refused.value.field == "source.bucket"


def test_every_picture_of_an_index_of_ours_is_read_once_by_its_id(sources: SourceByKind, elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=name, mappings={"properties": {"image_id": {"type": "keyword"}}})
    pictures = [{"_id": f"{n:032x}", "image_id": f"{n:032x}", "product_id": f"p-{n // 2}"} for n in range(50)]
    helpers.bulk(elasticsearch, [{"_index": name, **picture} for picture in pictures], refresh=True)
    spec = CurrentSpec(name)

    rows = _rows(sources, spec, 7)

    assert sorted(row.image_id or "" for row in rows) == [picture["image_id"] for picture in pictures]
    assert (sources.count(spec), sources.is_unique(spec)) == (50, True)
    assert [row.image_id for row in sources.find(spec, ["gone"])] == ["gone"]


def test_another_cluster_is_read_under_its_own_address(
    sources: SourceByKind, elasticsearch_url: str, elasticsearch: Elasticsearch, name: str
) -> None:
    elasticsearch.index(index=name, document={"image_url": "http://a/1"}, refresh=True)

    assert sources.count(IndexSpec(name, url=elasticsearch_url)) == 1
    with pytest.raises(IndexUnavailable):
        sources.count(IndexSpec(name, url="http://127.0.0.1:9"))
