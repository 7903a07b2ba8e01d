"""What is asked of SQS for each message: fair queues know a backfill by its messages' group, and a step that is put off comes later."""

from typing import Any
from unittest.mock import MagicMock

from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.backfill.messages import ReadSlice
from lookalike.indexing.messages import DeleteProducts


def entries(client: MagicMock) -> list[dict[str, Any]]:
    """The entries of the one call that was made, without their ids and bodies."""
    [call] = client.send_message_batch.call_args_list
    return [{name: value for name, value in entry.items() if name not in ("Id", "MessageBody")} for entry in call.kwargs["Entries"]]


def queues() -> tuple[SqsQueues, MagicMock]:
    client = MagicMock()
    client.send_message_batch.return_value = {}
    return SqsQueues(client, "products", "backfill"), client


def test_a_backfill_s_messages_are_a_group_and_the_shop_s_own_are_none() -> None:
    sender, client = queues()
    sender.send([DeleteProducts(("hat",), backfill_id="b"), DeleteProducts(("mug",))])

    assert entries(client) == [{"DelaySeconds": 0, "MessageGroupId": "b"}, {"DelaySeconds": 0}]


def test_a_step_that_is_put_off_comes_later() -> None:
    sender, client = queues()
    sender.send_backfill([ReadSlice("b", 3)], delay_s=300)

    assert entries(client) == [{"DelaySeconds": 300, "MessageGroupId": "b"}]


def test_a_name_that_is_no_message_group_s_is_not_sent_as_one() -> None:
    sender, client = queues()
    sender.send([DeleteProducts(("hat",), backfill_id="мой импорт")])

    assert entries(client) == [{"DelaySeconds": 0}]
