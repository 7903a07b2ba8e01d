"""House rules of the queues and of the event sources that read them."""

import pytest
from lookalike.redelivery import backoff_s

from infra.local.aws import TRIGGERS, Trigger
from tests.unit.sam_template import Template, bucket_arn, statements, target, transform


@pytest.fixture(scope="module")
def template() -> Template:
    return transform()


def dead_letter_queues(template: Template) -> dict[str, str]:
    """Queue -> where its dead letters go."""
    return {
        name: target(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for name, queue in template.properties_of("SQS::Queue").items()
        if "RedrivePolicy" in queue
    }


def test_every_queue_is_read_by_one_function_or_holds_the_dead_letters_of_one_queue(template: Template) -> None:
    sources = [target(mapping["EventSourceArn"]) for mapping in template.properties_of("Lambda::EventSourceMapping").values()]
    dead_letters = list(dead_letter_queues(template).values())
    assert sorted(sources + dead_letters) == sorted(template.properties_of("SQS::Queue"))
    assert sorted(sources) == sorted(dead_letter_queues(template))


def test_a_message_is_tried_twelve_times_which_takes_over_an_hour(template: Template) -> None:
    queues = template.properties_of("SQS::Queue")
    assert {queues[name]["RedrivePolicy"]["maxReceiveCount"] for name in dead_letter_queues(template)} == {12}
    assert sum(backoff_s(10, receives - 1, lambda: 0.0) for receives in range(1, 12)) > 3600


def test_dead_letters_outlive_the_messages_that_they_were(template: Template) -> None:
    queues = template.properties_of("SQS::Queue")
    for name, dead_letters in dead_letter_queues(template).items():
        assert queues[dead_letters]["MessageRetentionPeriod"] > queues[name]["MessageRetentionPeriod"], name


def test_queues_are_encrypted_in_the_way_that_lets_s3_in(template: Template) -> None:
    for name, queue in template.properties_of("SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name
        assert "KmsMasterKeyId" not in queue, name


def test_visibility_is_six_times_the_timeout_and_the_batching_window(template: Template) -> None:
    queues, functions = template.properties_of("SQS::Queue"), template.properties_of("Lambda::Function")
    for name, mapping in template.properties_of("Lambda::EventSourceMapping").items():
        timeout_s = functions[target(mapping["FunctionName"])]["Timeout"]
        visible_after_s = queues[target(mapping["EventSourceArn"])]["VisibilityTimeout"]
        assert visible_after_s >= 6 * timeout_s + mapping["MaximumBatchingWindowInSeconds"], name


def test_event_sources_limit_concurrency_and_report_single_failures(template: Template) -> None:
    for name, mapping in template.properties_of("Lambda::EventSourceMapping").items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000, name
        assert mapping["BatchSize"] <= 10 or mapping["MaximumBatchingWindowInSeconds"] >= 1, f"{name}: SQS refuses it"


def test_all_event_sources_together_leave_a_new_account_one_function_for_search(template: Template) -> None:
    mappings = template.properties_of("Lambda::EventSourceMapping").values()
    assert sum(mapping["ScalingConfig"]["MaximumConcurrency"] for mapping in mappings) < 10


def test_only_our_bucket_may_send_to_the_uploads_queue(template: Template) -> None:
    [statement] = statements(template.only("SQS::QueuePolicy"))
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": bucket_arn()},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }


def test_the_local_systems_take_messages_as_lambda_does(template: Template) -> None:
    queues = {"UploadsQueue": "uploads", "BackfillQueue": "backfill", "ProductsQueue": "products"}
    functions = template.properties_of("Lambda::Function")
    declared = {
        Trigger(
            functions[target(mapping["FunctionName"])]["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", "lookalike"),
            queues[target(mapping["EventSourceArn"])],
            mapping["BatchSize"],
            mapping["MaximumBatchingWindowInSeconds"],
        )
        for mapping in template.properties_of("Lambda::EventSourceMapping").values()
    }

    assert set(TRIGGERS) == declared
