"""House rules of the bucket."""

import re

import pytest

from tests.unit.sam_template import BUCKET_NAME, Template, bucket_arn, statements, target, transform


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
    assert template.resources["Bucket"]["UpdateReplacePolicy"] == "Retain"


def test_a_stack_that_could_not_be_made_leaves_no_bucket_in_the_way_of_a_second_try(template: Template) -> None:
    assert template.resources["Bucket"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_neither_capitals_nor_a_long_name_of_the_stack_break_the_bucket_s_name(template: Template) -> None:
    name = template.only("S3::Bucket")["BucketName"]
    assert name == BUCKET_NAME
    assert re.fullmatch("[a-z0-9-]{3,63}", name)
    assert transform(BucketName="shop-pictures").only("S3::Bucket")["BucketName"] == "shop-pictures"


def test_a_bucket_that_is_there_is_taken_and_only_it_may_send_its_events() -> None:
    template = transform(ExistingBucket="shop-pictures")
    assert not template.properties_of("S3::Bucket")
    assert not template.properties_of("S3::BucketPolicy")
    [statement] = statements(template.only("SQS::QueuePolicy"))
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == bucket_arn("shop-pictures")
    assert template.outputs["Bucket"]["Value"] == "shop-pictures"
    for function in template.properties_of("Lambda::Function").values():
        assert function["Environment"]["Variables"]["LOOKALIKE_BUCKET"] == "shop-pictures"
    with pytest.raises(AssertionError, match="OneBucket"):
        transform(ExistingBucket="shop-pictures", BucketName="another")


def test_whoever_took_another_bucket_goes_back_to_the_stack_s_own_by_its_name(template: Template) -> None:
    """It was retained and still sends its events; a second one of its name cannot be made."""
    back = transform(ExistingBucket=template.only("S3::Bucket")["BucketName"])
    assert not back.properties_of("S3::Bucket")
    assert back.only("SQS::QueuePolicy") == template.only("SQS::QueuePolicy")
    for name, function in back.properties_of("Lambda::Function").items():
        assert function["Environment"] == template.properties_of("Lambda::Function")[name]["Environment"]
    for name, role in back.properties_of("IAM::Role").items():
        assert role == template.properties_of("IAM::Role")[name]


def test_each_change_of_a_picture_is_sent_to_the_uploads_queue(template: Template) -> None:
    configurations = template.only("S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    assert {each["Event"] for each in configurations} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"}
    for each in configurations:
        assert target(each["Queue"]) == "UploadsQueue"
        assert each["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "images/"}]


def test_with_other_patterns_of_keys_every_change_is_sent_and_every_object_may_be_read() -> None:
    template = transform(KeyPatterns="products/{product_id}/*", SourceBucket="shop")
    configurations = template.only("S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    policies = [policy for role in template.properties_of("IAM::Role").values() for policy in role.get("Policies", ())]
    read = [statement for policy in policies for statement in statements(policy) if statement["Action"] == "s3:GetObject"]

    assert not any("Filter" in each for each in configurations)
    assert read
    assert not any("images/" in str(statement["Resource"]) for statement in read)


def test_the_queue_lets_the_bucket_in_before_the_bucket_asks(template: Template) -> None:
    assert template.resources["Bucket"]["DependsOn"] == "UploadsQueuePolicy"
