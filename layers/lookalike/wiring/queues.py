"""Builds what the functions behind queues share."""

from functools import cached_property
from typing import TYPE_CHECKING

import boto3

from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.adapters.sqs.redelivery import SqsRedelivery
from lookalike.backfill.dead_letters import QueueName
from lookalike.errors import Misconfigured
from lookalike.redelivery import Redeliver
from lookalike.wiring.base import AWS_CONFIG, Wiring

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class QueueWiring(Wiring):
    """The queues, and the store of outcomes."""

    @cached_property
    def outcomes(self) -> ElasticsearchOutcomeStore:
        """The store of the outcomes of items."""
        return ElasticsearchOutcomeStore(self.elasticsearch, f"{self.settings.alias}-outcomes")

    @cached_property
    def queues(self) -> SqsQueues:
        """The products queue and the backfill queue."""
        return SqsQueues(self._sqs, self._queue_url("products"), self._queue_url("backfill"))

    @cached_property
    def redeliver(self) -> Redeliver:
        """Has failed messages redelivered soon, or moves them to the dead-letter queue."""
        return SqsRedelivery(self._sqs, self.settings.first_retry_delay_s).redeliver

    @cached_property
    def _sqs(self) -> "SQSClient":
        return boto3.client("sqs", config=AWS_CONFIG)

    def _queue_url(self, queue: QueueName) -> str:
        url: str | None = getattr(self.settings, f"{queue}_queue_url")
        if url is None:
            raise Misconfigured(f"LOOKALIKE_{queue.upper()}_QUEUE_URL must be set")
        return url
