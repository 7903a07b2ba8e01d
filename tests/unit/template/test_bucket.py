"""House rules of the bucket."""

import pytest

from tests.unit.sam_template import Template, statements, target, transform


@pytest.fixture(scope="module")
def template() -> Template:
    return transform()


def test_the_bucket_blocks_public_access_and_is_encrypted(template: Template) -> None:
    bucket = template.only("S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]


def test_the_bucket_is_reached_by_tls_only(template: Template) -> None:
    [statement] = statements(template.only("S3::BucketPolicy"))
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_pictures_survive_the_stack(template: Template) -> None:
    assert template.resources["Bucket"]["DeletionPolicy"] == "Retain"
    assert template.resources["Bucket"]["UpdateReplacePolicy"] == "Retain"


def test_each_change_of_a_picture_is_sent_to_the_uploads_queue(template: Template) -> None:
    configurations = template.only("S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    assert {each["Event"] for each in configurations} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"}
    for each in configurations:
        assert target(each["Queue"]) == "UploadsQueue"
        assert each["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "images/"}]


def test_the_queue_lets_the_bucket_in_before_the_bucket_asks(template: Template) -> None:
    assert template.resources["Bucket"]["DependsOn"] == "UploadsQueuePolicy"
