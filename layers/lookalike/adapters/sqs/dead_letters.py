"""The dead-letter queues in SQS: receives their messages, and sends them to their original queues again."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from lookalike.adapters.sqs import messages
from lookalike.adapters.sqs.queues import MAX_ENTRIES, bodies, number_waiting, redrive_policy, send_all, translate_errors
from lookalike.adapters.sqs.redelivery import REASON, SENT_MS
from lookalike.backfill.dead_letters import DeadLetter, DeadLetterQueues, QueueName
from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import Message
from lookalike.validation import parsed, validated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_S = 60
"""The visibility timeout of received messages; a batch is recorded and deleted sooner."""

WAIT_S = 1
"""Long polling asks all of SQS's servers; short polling may miss messages."""

UNKNOWN_REASON = "it was received as often as the queue allows, without a recorded error: the function timed out or crashed, see its log"

_OF_THE_SCHEDULER = ("ERROR_CODE", "ERROR_MESSAGE")
"""Attributes of a command that EventBridge Scheduler could not post to the backfill queue."""


class SqsDeadLetters(DeadLetterQueues):
    """Drains the dead-letter queues of three queues, given by their URLs."""

    def __init__(self, client: "SQSClient", queue_urls: Mapping[QueueName, str]) -> None:
        self._client = client
        self._queue_urls = queue_urls
        self._policy = cache(partial(redrive_policy, client))

    def drain(self, record: Callable[[Sequence[DeadLetter]], None], stop_at: float) -> None:
        for queue, queue_url in self._queue_urls.items():
            with translate_errors(queue_url):
                if (policy := self._policy(queue_url)) is None:
                    continue
                url = policy.dead_letter_url
                while number_waiting(self._client, url) and time.monotonic() < stop_at and (batch := self._receive(url)):
                    record([_dead_letter(queue, message) for message in batch])
                    entries: Any = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(batch)]
                    self._client.delete_message_batch(QueueUrl=url, Entries=entries)

    def send_again(self, letters: Sequence[DeadLetter]) -> None:
        for queue, queue_url in self._queue_urls.items():
            send_all(self._client, queue_url, _bodies(letter for letter in letters if letter.queue == queue))

    def _receive(self, url: str) -> Sequence["MessageTypeDef"]:
        asked: Any = {"MessageSystemAttributeNames": ["SentTimestamp"], "MessageAttributeNames": [REASON, SENT_MS, *_OF_THE_SCHEDULER]}
        received = self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=MAX_ENTRIES, VisibilityTimeout=HIDDEN_S, WaitTimeSeconds=WAIT_S, **asked
        )
        return received.get("Messages", [])


def _dead_letter(queue: QueueName, received: "MessageTypeDef") -> DeadLetter:
    attributes = {name: value.get("StringValue", "") for name, value in received.get("MessageAttributes", {}).items()}
    sent_ms = int(attributes.get(SENT_MS) or received["Attributes"]["SentTimestamp"])
    told = ": ".join(attributes[name] for name in _OF_THE_SCHEDULER if queue == "backfill" and name in attributes)
    reason = json.loads(attributes[REASON]) if REASON in attributes else told or UNKNOWN_REASON
    body, asked = received["Body"], tuple[Message, ...]()
    if queue == "products":
        try:
            asked = messages.decode(body, sent_ms)
        except RequestInvalid as error:
            reason = f"{error.code}: {error}"
    return DeadLetter(queue, received["MessageId"], body, sent_ms, reason, _backfill_id(body), asked)


def _backfill_id(body: str) -> str | None:
    """The backfill id in a message; None if the message is not valid JSON or has no valid id."""
    try:
        return validated(messages.ID, parsed(body, field="body").get("backfill_id"))
    except (RequestInvalid, AttributeError):
        return None


def _bodies(letters: Iterable[DeadLetter]) -> Iterator[tuple[str, str | None]]:
    """Message bodies and groups; those about products get their original time as ``as_of``, because SQS gives them a new one."""
    for letter in letters:
        try:
            asked = messages.decode(letter.body, letter.sent_ms) if letter.queue == "products" else ()
        except RequestInvalid:
            asked = ()
        too_large: list[Product] = []
        halves = [body for message in asked for body in bodies(message, too_large)]
        yield from ((body, letter.backfill_id) for body in (halves if halves and not too_large else [letter.body]))
