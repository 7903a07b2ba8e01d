"""House rules of the schedules: they do nothing but post commands to the backfill queue, and a backfill only if one is named."""

import json

from lookalike.backfill.model import IndexSpec

from functions.backfill import commands
from tests.unit.sam_template import statements, target, transform

NIGHTLY = "NightlyBackfill"
COMMAND = {"action": "start", "source": {"index": "products", "updated_at": "changed_at"}}


def test_nothing_is_scheduled_unless_a_backfill_is_named() -> None:
    assert NIGHTLY not in transform().properties_of("Scheduler::Schedule")


def test_dead_letters_are_recorded_long_before_their_queue_drops_them() -> None:
    schedule = transform().properties_of("Scheduler::Schedule")["DeadLettersRecording"]

    assert isinstance(commands.read(json.loads(schedule["Target"]["Input"])), commands.DeadLetters)
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert target(schedule["Target"]["Arn"]) == "BackfillQueue"


def test_the_named_backfill_is_started_by_the_schedule_as_its_caller_wrote_it() -> None:
    template = transform(ScheduledBackfill=json.dumps(COMMAND), BackfillSchedule="rate(1 day)")
    schedule = template.properties_of("Scheduler::Schedule")[NIGHTLY]

    command = commands.read(json.loads(schedule["Target"]["Input"]))
    assert isinstance(command, commands.Start)
    assert command.source.spec() == IndexSpec("products", updated_at="changed_at")
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    assert target(schedule["Target"]["Arn"]) == "BackfillQueue"


def test_a_command_that_cannot_be_posted_is_tried_again_and_ends_in_the_dead_letters_that_an_alarm_watches() -> None:
    scheduled = transform(ScheduledBackfill=json.dumps(COMMAND)).properties_of("Scheduler::Schedule")[NIGHTLY]["Target"]
    assert scheduled["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target(scheduled["DeadLetterConfig"]["Arn"]) == "BackfillDeadLetterQueue"


def test_the_schedule_may_post_to_the_backfill_queue_and_its_dead_letters_and_do_nothing_else() -> None:
    template = transform(ScheduledBackfill=json.dumps(COMMAND))
    role = template.properties_of("IAM::Role")[target(template.properties_of("Scheduler::Schedule")[NIGHTLY]["Target"]["RoleArn"])]

    [policy] = role["Policies"]
    [statement] = statements(policy)
    assert statement["Action"] == "sqs:SendMessage"
    assert [target(resource) for resource in statement["Resource"]] == ["BackfillQueue", "BackfillDeadLetterQueue"]
    assert "ManagedPolicyArns" not in role
