"""Builds the use cases of the function `backfill`, without networks or anything that reads pictures."""

from collections.abc import Callable
from functools import cached_property
from typing import get_args

import boto3

from lookalike.adapters.dispatch.sources import SourceByKind
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.backfill_store import ElasticsearchBackfillStore
from lookalike.adapters.elasticsearch.dead_letter_store import ElasticsearchDeadLetterStore
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.openvino.manifests import Manifests
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.adapters.sqs import backfill_messages
from lookalike.adapters.sqs.dead_letters import SqsDeadLetters
from lookalike.backfill.dead_letters import DeadLetters, QueueName
from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.merge import Merge
from lookalike.backfill.messages import BackfillMessage
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.report import Report
from lookalike.backfill.retry_failures import RetryFailures
from lookalike.backfill.state import BackfillStates
from lookalike.backfill.switch_alias import SwitchAlias
from lookalike.wiring.base import AWS_CONFIG, secret
from lookalike.wiring.queues import QueueWiring


class BackfillWiring(QueueWiring):
    """The use cases behind the commands of `backfill`."""

    @cached_property
    def indices(self) -> BackfillIndices:
        """The indices of pictures, and the alias."""
        manifests = Manifests(self.settings.models)
        return BackfillIndices(self.elasticsearch, self.settings.alias, self.settings.index_options, model=manifests.manifest)

    @property
    def decode_backfill_message(self) -> Callable[[object], BackfillMessage | None]:
        """Decodes a message that the function sent to itself."""
        return backfill_messages.decode

    @cached_property
    def backfills(self) -> ElasticsearchBackfillStore:
        """The store of backfills and their slices."""
        return ElasticsearchBackfillStore(self.elasticsearch, f"{self.settings.alias}-backfills")

    @cached_property
    def sources(self) -> SourceByKind:
        """The sources that backfills read: indices, buckets and the index that is searched."""
        own = ElasticsearchSource(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca, self._new_secret)
        keys = {self.settings.source_url: self.settings.source_secret_arn}
        return SourceByKind(own, BucketSource(boto3.client("s3", config=AWS_CONFIG), self.keys), secret, keys)

    @cached_property
    def fan_out(self) -> FanOut:
        """Starts, reads and cancels backfills."""
        parts = (self.sources, self.backfills, self.outcomes, self.queues, self.indices, self._dead_letter_store)
        return FanOut(*parts, merges=self.settings.index_merge)

    @cached_property
    def progress(self) -> Progress:
        """The use case that reports how far backfills are."""
        return Progress(self.backfills, self.outcomes, self._backfill_states)

    @cached_property
    def retry_failures(self) -> RetryFailures:
        """The use case that retries a backfill's failures."""
        return RetryFailures(self.sources, self.backfills, self.outcomes, self.queues, self._backfill_states, self.dead_letters)

    @cached_property
    def prune(self) -> Prune:
        """Deletes what the source no longer has."""
        return Prune(self.backfills, self.outcomes, self.queues, self._backfill_states)

    @cached_property
    def merge(self) -> Merge:
        """Merges the segments of an index that was filled."""
        wait_s = self.settings.first_retry_delay_s
        return Merge(self.backfills, self._backfill_states, self.queues, self.indices, wait_s=wait_s)

    @cached_property
    def switch_alias(self) -> SwitchAlias:
        """Moves the alias to another index."""
        return SwitchAlias(self.backfills, self._backfill_states, self.indices)

    @cached_property
    def report(self) -> Report:
        """Tells which pictures many products share."""
        return Report(self.indices, self.settings.placeholder_hashes)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Records dead letters and sends them again."""
        urls = {queue: self._queue_url(queue) for queue in get_args(QueueName)}
        return DeadLetters(SqsDeadLetters(self._sqs, urls), self._dead_letter_store, self.outcomes)

    @cached_property
    def _dead_letter_store(self) -> ElasticsearchDeadLetterStore:
        return ElasticsearchDeadLetterStore(self.elasticsearch, f"{self.settings.alias}-dead-letters")

    @cached_property
    def _backfill_states(self) -> BackfillStates:
        return BackfillStates(self.backfills, self.outcomes, self._dead_letter_store)
