"""Builds the use cases from the settings: settings to adapters to use cases, each once a process."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from elasticsearch import Elasticsearch

from lookalike.adapters.dispatch import FetcherByScheme, SourceByKind
from lookalike.adapters.elasticsearch.backfill_store import ElasticsearchBackfillStore
from lookalike.adapters.elasticsearch.client import connect, translate_errors
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import ElasticsearchIndices, IndexInfo
from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.adapters.elasticsearch.product_states import ElasticsearchProductStates
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.openvino.embedder import Hint
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.adapters.s3.fetcher import PresignedLinks, S3Fetcher
from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.adapters.sqs.redelivery import SqsRedelivery
from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.messages import BackfillMessage
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.retry_failures import RetryFailures
from lookalike.backfill.state import BackfillStates
from lookalike.backfill.switch_alias import SwitchAlias
from lookalike.concurrency import run_within
from lookalike.domain import Embedder
from lookalike.errors import Misconfigured, TransientError
from lookalike.health import HealthCheck
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import Message
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import ProductUpdates
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.indexing.uploads import Uploads
from lookalike.redelivery import Redeliver
from lookalike.search.browse import Browse, BrowsedIndex
from lookalike.search.ports import SearchTarget
from lookalike.search.search import Search
from lookalike.settings import Settings

INIT_LIMIT_S = 4.0
"""For Elasticsearch's answer in Lambda's init phase, which lasts 10 s at most."""

AWS_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=32, signature_version="s3v4")

REGIONAL_LINKS = Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
"""The host of a bucket in its region: the global one, boto3's default, answers signed links of most regions with 307 or 400."""


class Wiring:
    """Everything that a function may need, each built when it is first asked for.

    Args:
        settings: by default those of the environment.
        hint: what the networks are loaded for: single pictures at once, or many.
    """

    def __init__(self, settings: Settings | None = None, *, hint: Hint = "THROUGHPUT") -> None:
        self.settings = settings or Settings.load(os.environ)
        self._hint = hint
        self._logger = Logger()
        self._open_indices: dict[str, ElasticsearchIndex] = {}

    @cached_property
    def elasticsearch(self) -> Elasticsearch:
        """The client, with the secret's credentials."""
        return connect(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca, self._new_secret, self._request_id)

    def _request_id(self) -> str | None:
        """As the log has it: API Gateway's id of a request, Lambda's of a batch."""
        keys = self._logger.get_current_keys()
        return keys.get("correlation_id") or keys.get("function_request_id")

    @cached_property
    def _secret(self) -> str | None:
        arn = self.settings.elasticsearch_secret_arn
        return _secret(arn) if arn else None

    @property
    def _new_secret(self) -> Callable[[], str] | None:
        arn = self.settings.elasticsearch_secret_arn
        return partial(_secret, arn, True) if arn else None

    @cached_property
    def indices(self) -> ElasticsearchIndices:
        """The indices of pictures behind the alias, as Elasticsearch has them."""
        return ElasticsearchIndices(self.elasticsearch, self.settings.alias, self.settings.index_options, model=self.models.manifest)

    @cached_property
    def models(self) -> ModelStore:
        """The networks in the container image, by model id."""
        return ModelStore(self.settings.models, self._hint)

    @cached_property
    def http_fetcher(self) -> HttpFetcher:
        """Fetches pictures behind URLs."""
        return HttpFetcher(self.settings.private_image_origins)

    @cached_property
    def s3_fetcher(self) -> S3Fetcher:
        """Fetches pictures from buckets."""
        return S3Fetcher(boto3.client("s3", config=AWS_CONFIG), self.settings.bucket)

    @cached_property
    def indexer(self) -> Indexer:
        """What `on_upload` and `index_products` share."""
        self._load_model()
        return Indexer(
            self._written,
            FetcherByScheme(self.http_fetcher, self.s3_fetcher),
            targets_now=lambda: self._written(is_fresh=True),
            named=self._named,
        )

    @cached_property
    def outcomes(self) -> ElasticsearchOutcomeStore:
        """The store of what became of each item of each backfill."""
        return ElasticsearchOutcomeStore(self.elasticsearch, f"{self.settings.alias}-outcomes")

    @cached_property
    def queues(self) -> SqsQueues:
        """The products queue and the backfill queue."""
        products, backfill = self.settings.products_queue_url, self.settings.backfill_queue_url
        if products is None or backfill is None:
            raise Misconfigured("LOOKALIKE_PRODUCTS_QUEUE_URL and LOOKALIKE_BACKFILL_QUEUE_URL must both be set")
        return SqsQueues(boto3.client("sqs", config=AWS_CONFIG), products, backfill)

    @property
    def decode_message(self) -> Callable[[str, int], tuple[Message, ...]]:
        """Decodes a message of the products queue."""
        return messages.decode

    @property
    def decode_backfill_message(self) -> Callable[[object], BackfillMessage | None]:
        """Decodes a message that the backfill function sent to itself."""
        return backfill_messages.decode

    @cached_property
    def redeliver(self) -> Redeliver:
        """Has failed messages come back soon."""
        return SqsRedelivery(boto3.client("sqs", config=AWS_CONFIG), self.settings.first_retry_delay_s).redeliver

    @cached_property
    def uploads(self) -> Uploads:
        """The use case behind `on_upload`."""
        return Uploads(self.indexer, self.outcomes)

    @cached_property
    def products_queue(self) -> ProductsQueue:
        """The use case behind `index_products`."""
        states = ElasticsearchProductStates(self.elasticsearch, f"{self.settings.alias}-product-states")
        updates = ProductUpdates(self.indexer, states)
        return ProductsQueue(self.indexer, updates, self.outcomes, self.queues, first_delay_s=self.settings.first_retry_delay_s)

    @cached_property
    def backfills(self) -> ElasticsearchBackfillStore:
        """The store of backfills and their slices."""
        return ElasticsearchBackfillStore(self.elasticsearch, f"{self.settings.alias}-backfills")

    @cached_property
    def sources(self) -> SourceByKind:
        """The sources that backfills read: indices, buckets and the index that is searched."""
        own = ElasticsearchSource(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca, self._new_secret)
        keys = {self.settings.source_url: self.settings.source_secret_arn}
        return SourceByKind(own, BucketSource(boto3.client("s3", config=AWS_CONFIG)), _secret, keys)

    @cached_property
    def fan_out(self) -> FanOut:
        """Starts, reads and cancels backfills."""
        return FanOut(self.sources, self.backfills, self.outcomes, self.queues, self.indices)

    @cached_property
    def progress(self) -> Progress:
        """The use case that reports how far backfills are."""
        return Progress(self.backfills, self.outcomes, self.queues)

    @cached_property
    def retry_failures(self) -> RetryFailures:
        """The use case that retries a backfill's failures."""
        return RetryFailures(self.sources, self.backfills, self.outcomes, self.queues)

    @cached_property
    def prune(self) -> Prune:
        """Deletes what the source no longer has."""
        return Prune(self.backfills, self.outcomes, self.queues)

    @cached_property
    def switch_alias(self) -> SwitchAlias:
        """Moves the alias to another index."""
        return SwitchAlias(self.backfills, BackfillStates(self.backfills, self.outcomes), self.indices)

    @cached_property
    def search(self) -> Search:
        """The use case behind `search`."""
        with suppress(Misconfigured):  # each request then answers 500 with an incident id, and the log says what to correct
            self._load_model()
        return Search(self._searched, self.http_fetcher, self._links.link)

    @cached_property
    def browse(self) -> Browse:
        """The use case behind ``/products/{id}``, ``/attributes`` and ``/stats``."""
        return Browse(self._browsed, self._links.link)

    @cached_property
    def _links(self) -> PresignedLinks:
        public = self.settings.public_s3_endpoint
        config = AWS_CONFIG if public else AWS_CONFIG.merge(REGIONAL_LINKS)
        client = boto3.client("s3", config=config, endpoint_url=public)
        buckets = {self.settings.bucket, self.settings.source_bucket}
        return PresignedLinks(client, self.settings.presigned_url_expiry_s, buckets)

    @cached_property
    def health(self) -> HealthCheck:
        """The use case behind `/health`."""
        return HealthCheck(self._cluster, self._current, self._searched, self.models.ids)

    def _load_model(self) -> None:
        """Loads the network while Lambda's init phase lasts: the one that the index names, or the first index's to be."""
        try:
            info = run_within(INIT_LIMIT_S, self.indices.current, "Elasticsearch")
        except TransientError:
            self.models.embedder(self.settings.model)
        else:
            self._embedder(info)

    def _searched(self) -> SearchTarget:
        info = self.indices.current()
        return SearchTarget(self._index(info), self._embedder(info))

    def _browsed(self) -> BrowsedIndex:
        info = self.indices.current()
        return BrowsedIndex(self._index(info), info.name, info.model_id)

    def _written(self, *, is_fresh: bool = False) -> Sequence[WriteTarget]:
        first = self.models.embedder(self.settings.model).model
        return [WriteTarget(self._index(info), self._embedder(info)) for info in self.indices.written(first, is_fresh=is_fresh)]

    def _named(self, name: str) -> WriteTarget:
        info = self.indices.named(name)
        return WriteTarget(self._index(info), self._embedder(info))

    def _index(self, info: IndexInfo) -> ElasticsearchIndex:
        if info.name not in self._open_indices:
            self._open_indices[info.name] = ElasticsearchIndex(self.elasticsearch, info.name)
        return self._open_indices[info.name]

    def _embedder(self, info: IndexInfo) -> Embedder:
        embedder = self.models.embedder(info.model_id, wanted_by=f"the index {info.name!r}")
        if embedder.model.weights_sha256 != info.weights_sha256:
            raise Misconfigured(
                f"the index {info.name!r} was filled by {info.model_id!r} with weights {info.weights_sha256[:12]}…, "
                f"the model at hand has {embedder.model.weights_sha256[:12]}…: backfill into a new index, or deploy the old weights"
            )
        return embedder

    def _cluster(self) -> str:
        with translate_errors():
            return f"{self.elasticsearch.info()['version']['number']} {self.elasticsearch.cluster.health()['status']}"

    def _current(self) -> tuple[str, str]:
        info = self.indices.current()
        return info.name, info.model_id


def _secret(arn: str, is_fresh: bool = False) -> str:
    try:
        return str(parameters.get_secret(arn, force_fetch=is_fresh))
    except (parameters.GetParameterError, ClientError, BotoCoreError) as error:
        raise Misconfigured(f"the secret {arn!r} cannot be read: {error}") from error
