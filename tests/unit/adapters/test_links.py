"""Links of S3 objects: the host of the bucket in its region, signed where the role may read."""

from urllib.parse import parse_qs, urlsplit

import pytest
from lookalike.settings import Settings
from lookalike.wiring.search import SearchWiring


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def link(monkeypatch: pytest.MonkeyPatch, region: str, url: str, public: str | None = None) -> str:
    """The link of an object for a stack with a bucket and a source bucket."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    settings = Settings("https://es:9200", bucket="shop-pictures", source_bucket="old.pictures", public_s3_endpoint=public)
    return SearchWiring(settings)._links.link(url)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "shop-pictures.s3.eu-central-1.amazonaws.com"),
        ("eu-south-2", "shop-pictures.s3.eu-south-2.amazonaws.com"),
        ("us-east-1", "shop-pictures.s3.us-east-1.amazonaws.com"),
        ("cn-north-1", "shop-pictures.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_signed_link_has_the_bucket_s_host_in_its_region(monkeypatch: pytest.MonkeyPatch, region: str, host: str) -> None:
    parts = urlsplit(link(monkeypatch, region, "s3://shop-pictures/images/a b.jpg"))
    assert (parts.netloc, parts.path) == (host, "/images/a%20b.jpg")
    assert f"/{region}/s3/" in parse_qs(parts.query)["X-Amz-Credential"][0]


def test_a_bucket_with_dots_is_part_of_the_path_since_no_certificate_has_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = urlsplit(link(monkeypatch, "eu-central-1", "s3://old.pictures/images/a.jpg"))
    assert (parts.netloc, parts.path) == ("s3.eu-central-1.amazonaws.com", "/old.pictures/images/a.jpg")
    assert "X-Amz-Signature" in parts.query


def test_an_object_elsewhere_has_a_plain_link(monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, "eu-central-1", "s3://theirs/images/a b.jpg") == "https://theirs.s3.amazonaws.com/images/a%20b.jpg"


@pytest.mark.parametrize(
    ("region", "bucket", "link_of_it"),
    [
        ("us-east-1", "theirs", "https://theirs.s3.amazonaws.com/"),
        ("cn-north-1", "theirs", "https://theirs.s3.cn-north-1.amazonaws.com.cn/"),
        ("cn-northwest-1", "theirs", "https://theirs.s3.cn-northwest-1.amazonaws.com.cn/"),
        ("cn-north-1", "their.pictures", "https://s3.cn-north-1.amazonaws.com.cn/their.pictures/"),
        ("us-gov-west-1", "theirs", "https://theirs.s3.us-gov-west-1.amazonaws.com/"),
        ("eu-central-1", "their.pictures", "https://s3.eu-central-1.amazonaws.com/their.pictures/"),
    ],
)
def test_a_plain_link_has_the_host_of_its_partition(monkeypatch: pytest.MonkeyPatch, region: str, bucket: str, link_of_it: str) -> None:
    for key, quoted in (("images/a b.jpg", "images/a%20b.jpg"), ("a?b=1#c/ü.jpg", "a%3Fb%3D1%23c/%C3%BC.jpg")):
        assert link(monkeypatch, region, f"s3://{bucket}/{key}") == link_of_it + quoted


def test_another_public_address_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = link(monkeypatch, "eu-central-1", "s3://shop-pictures/images/a.jpg", public="https://pictures.shop.example")
    assert signed.startswith("https://pictures.shop.example/shop-pictures/images/a.jpg?")
