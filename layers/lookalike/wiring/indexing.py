"""Builds the use cases of the functions `on_upload` and `index_products`."""

from collections.abc import Callable, Sequence
from functools import cached_property

import boto3

from lookalike.adapters.dispatch.fetchers import FetcherByScheme
from lookalike.adapters.elasticsearch.product_states import ElasticsearchProductStates
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.adapters.sqs import messages
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import Message
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import ProductUpdates
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.indexing.uploads import Uploads
from lookalike.wiring.base import AWS_CONFIG
from lookalike.wiring.models import ModelWiring
from lookalike.wiring.queues import QueueWiring


class IndexingWiring(ModelWiring, QueueWiring):
    """The use cases that index pictures."""

    @cached_property
    def uploads(self) -> Uploads:
        """The use case behind `on_upload`."""
        return Uploads(self.indexer, self.outcomes)

    @cached_property
    def products_queue(self) -> ProductsQueue:
        """The use case behind `index_products`."""
        states = ElasticsearchProductStates(self.elasticsearch, f"{self.settings.alias}-product-states")
        updates = ProductUpdates(self.indexer, states)
        delay_s = self.settings.first_retry_delay_s
        return ProductsQueue(self.indexer, updates, self.outcomes, self.queues, first_delay_s=delay_s, keys=self.keys)

    @property
    def decode_message(self) -> Callable[[str, int], tuple[Message, ...]]:
        """Decodes a message of the products queue."""
        return messages.decode

    @cached_property
    def indexer(self) -> Indexer:
        """The indexer that both functions use."""
        self.models.begin()
        s3_fetcher = S3Fetcher(boto3.client("s3", config=AWS_CONFIG), self.settings.bucket)
        self._load_model()
        return Indexer(
            self._written,
            FetcherByScheme(self.http_fetcher, s3_fetcher),
            targets_now=lambda: self._written(is_fresh=True),
            named=self._named,
        )

    def _written(self, *, is_fresh: bool = False) -> Sequence[WriteTarget]:
        first = self.models.embedder(self.settings.model).model
        return [WriteTarget(self._index(info), self._embedder(info)) for info in self.indices.written(first, is_fresh=is_fresh)]

    def _named(self, name: str) -> WriteTarget:
        info = self.indices.named(name)
        return WriteTarget(self._index(info), self._embedder(info))
