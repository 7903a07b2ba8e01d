"""Builds what the functions behind queues share."""

from functools import cached_property

import boto3

from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.adapters.sqs.redelivery import SqsRedelivery
from lookalike.errors import Misconfigured
from lookalike.redelivery import Redeliver
from lookalike.wiring.base import AWS_CONFIG, Wiring


class QueueWiring(Wiring):
    """The queues, and the store of outcomes."""

    @cached_property
    def outcomes(self) -> ElasticsearchOutcomeStore:
        """The store of the outcomes of items."""
        return ElasticsearchOutcomeStore(self.elasticsearch, f"{self.settings.alias}-outcomes")

    @cached_property
    def queues(self) -> SqsQueues:
        """The products queue and the backfill queue."""
        products, backfill = self.settings.products_queue_url, self.settings.backfill_queue_url
        if products is None or backfill is None:
            raise Misconfigured("LOOKALIKE_PRODUCTS_QUEUE_URL and LOOKALIKE_BACKFILL_QUEUE_URL must both be set")
        return SqsQueues(boto3.client("sqs", config=AWS_CONFIG), products, backfill)

    @cached_property
    def redeliver(self) -> Redeliver:
        """Has failed messages redelivered soon, or moves them to the dead-letter queue."""
        return SqsRedelivery(boto3.client("sqs", config=AWS_CONFIG), self.settings.first_retry_delay_s).redeliver
