"""Settings to adapters to use cases, built once a process."""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import boto3
from aws_lambda_powertools.utilities import parameters
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch_backfills import ElasticsearchBackfills
from lookalike.adapters.elasticsearch_catalogue import ElasticsearchCatalogue, IndexInfo
from lookalike.adapters.elasticsearch_client import connect, explained
from lookalike.adapters.elasticsearch_index import ElasticsearchIndex
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.adapters.http_pictures import HttpPictures
from lookalike.adapters.model_store import ModelStore
from lookalike.adapters.openvino_embedder import Hint
from lookalike.adapters.pictures_by_scheme import PicturesByScheme
from lookalike.adapters.s3_objects import S3Objects
from lookalike.adapters.s3_pictures import S3Links, S3Pictures
from lookalike.adapters.sources import Sources
from lookalike.adapters.sqs_outbox import SqsOutbox
from lookalike.browsing import Browsing
from lookalike.browsing import Current as Browsed
from lookalike.domain import Embedder
from lookalike.errors import Misconfigured, Unavailable
from lookalike.fanout import FanOut
from lookalike.health import HealthCheck
from lookalike.indexing import Indexing
from lookalike.indexing import Target as Written
from lookalike.mending import Mending
from lookalike.products import Products
from lookalike.progress import Progress
from lookalike.searching import Searching
from lookalike.searching import Target as Searched
from lookalike.settings import Settings
from lookalike.switching import Switching
from lookalike.uploads import Uploads

AWS_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=32, signature_version="s3v4")


class Wiring:
    """Everything that a function may need, each built when it is first asked for.

    Args:
        settings: by default those of the environment.
        hint: what the networks are loaded for: single pictures at once, or many.
    """

    def __init__(self, settings: Settings | None = None, *, hint: Hint = "THROUGHPUT") -> None:
        self.settings = settings or Settings.load(os.environ)
        self._hint = hint
        self._indices: dict[str, ElasticsearchIndex] = {}

    @cached_property
    def elasticsearch(self) -> Elasticsearch:
        """The client, with the secret's credentials."""
        return connect(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca)

    @cached_property
    def _secret(self) -> str | None:
        arn = self.settings.elasticsearch_secret_arn
        return _secret(arn) if arn else None

    @cached_property
    def catalogue(self) -> ElasticsearchCatalogue:
        """The indices of pictures."""
        return ElasticsearchCatalogue(self.elasticsearch, self.settings.alias, self.settings.index_definitions, model=self.models.manifest)

    @cached_property
    def models(self) -> ModelStore:
        """The networks at hand."""
        return ModelStore(self.settings.models, self._hint)

    @cached_property
    def http_pictures(self) -> HttpPictures:
        """Pictures behind URLs."""
        return HttpPictures(self.settings.private_image_origins)

    @cached_property
    def s3_pictures(self) -> S3Pictures:
        """Pictures in buckets."""
        return S3Pictures(boto3.client("s3", config=AWS_CONFIG), self.settings.bucket)

    @cached_property
    def indexing(self) -> Indexing:
        """What `on_upload` and `index_products` share."""
        self._load_model()
        return Indexing(
            self._written,
            PicturesByScheme(self.http_pictures, self.s3_pictures),
            targets_now=lambda: self._written(is_fresh=True),
            named=self._named,
        )

    @cached_property
    def outcomes(self) -> ElasticsearchOutcomes:
        """What became of each product."""
        return ElasticsearchOutcomes(self.elasticsearch, f"{self.settings.alias}-outcomes", self.settings.index_definitions)

    @cached_property
    def outbox(self) -> SqsOutbox:
        """Messages to our queues."""
        products, backfill = self.settings.products_queue_url, self.settings.backfill_queue_url
        if products is None or backfill is None:
            raise Misconfigured("LOOKALIKE_PRODUCTS_QUEUE_URL and LOOKALIKE_BACKFILL_QUEUE_URL must both be set")
        return SqsOutbox(boto3.client("sqs", config=AWS_CONFIG), products, backfill)

    @cached_property
    def uploads(self) -> Uploads:
        """The use case behind `on_upload`."""
        return Uploads(self.indexing, self.outcomes)

    @cached_property
    def products(self) -> Products:
        """The use case behind `index_products`."""
        return Products(self.indexing, self.outcomes, self.outbox, first_delay_s=self.settings.first_retry_delay_s)

    @cached_property
    def backfills(self) -> ElasticsearchBackfills:
        """Where backfills are remembered."""
        return ElasticsearchBackfills(self.elasticsearch, f"{self.settings.alias}-backfills", self.settings.index_definitions)

    @cached_property
    def sources(self) -> Sources:
        """What backfills read."""
        own = ElasticsearchSource(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca)
        return Sources(own, S3Objects(boto3.client("s3", config=AWS_CONFIG)), _secret)

    @cached_property
    def fan_out(self) -> FanOut:
        """The use case behind `backfill`'s start, cancel and slices."""
        return FanOut(self.sources, self.backfills, self.outcomes, self.outbox, self.catalogue)

    @cached_property
    def progress(self) -> Progress:
        """The use case behind `backfill`'s questions."""
        return Progress(self.backfills, self.outcomes, self.outbox)

    @cached_property
    def mending(self) -> Mending:
        """The use case behind `backfill`'s retry and removal."""
        return Mending(self.sources, self.backfills, self.outcomes, self.outbox)

    @cached_property
    def switching(self) -> Switching:
        """The use case behind `backfill`'s switch."""
        return Switching(self.backfills, self.progress, self.catalogue)

    @cached_property
    def searching(self) -> Searching:
        """The use case behind `search`."""
        with suppress(Misconfigured):  # each request is then told so with an incident id, and the log what to mend
            self._load_model()
        return Searching(self._searched, self.http_pictures, self._links.link)

    @cached_property
    def browsing(self) -> Browsing:
        """The use case behind `/products/{id}`, `/attributes` and `/stats`."""
        return Browsing(self._browsed, self._links.link)

    @cached_property
    def _links(self) -> S3Links:
        client = boto3.client("s3", config=AWS_CONFIG, endpoint_url=self.settings.public_s3_endpoint)
        return S3Links(client, self.settings.presigned_url_expiry_s)

    @cached_property
    def health(self) -> HealthCheck:
        """The use case behind `/health`."""
        return HealthCheck(self._cluster, self._current, self._searched, self.models.ids)

    def _load_model(self) -> None:
        """Loads the network while Lambda's init phase lasts: the one that the index names, or the first index's to be."""
        try:
            self._searched()
        except Unavailable:
            self.models.embedder(self.settings.model)

    def _searched(self) -> Searched:
        info = self.catalogue.current()
        return Searched(self._index(info), self._embedder(info))

    def _browsed(self) -> Browsed:
        info = self.catalogue.current()
        return Browsed(self._index(info), info.name, info.model_id)

    def _written(self, *, is_fresh: bool = False) -> Sequence[Written]:
        first = self.models.embedder(self.settings.model).model
        return [Written(self._index(info), self._embedder(info)) for info in self.catalogue.written(first, is_fresh=is_fresh)]

    def _named(self, name: str) -> Written:
        info = self.catalogue.named(name)
        return Written(self._index(info), self._embedder(info))

    def _index(self, info: IndexInfo) -> ElasticsearchIndex:
        if info.name not in self._indices:
            self._indices[info.name] = ElasticsearchIndex(self.elasticsearch, info.name)
        return self._indices[info.name]

    def _embedder(self, info: IndexInfo) -> Embedder:
        embedder = self.models.embedder(info.model_id, wanted_by=f"the index {info.name!r}")
        if embedder.model.weights_sha256 != info.weights_sha256:
            raise Misconfigured(
                f"the index {info.name!r} was filled by {info.model_id!r} with weights {info.weights_sha256[:12]}…, "
                f"the model at hand has {embedder.model.weights_sha256[:12]}…: backfill into a new index, or deploy the old weights"
            )
        return embedder

    def _cluster(self) -> str:
        with explained():
            return f"{self.elasticsearch.info()['version']['number']} {self.elasticsearch.cluster.health()['status']}"

    def _current(self) -> tuple[str, str]:
        info = self.catalogue.current()
        return info.name, info.model_id


def _secret(arn: str) -> str:
    try:
        return str(parameters.get_secret(arn))
    except (parameters.GetParameterError, ClientError, BotoCoreError) as error:
        raise Misconfigured(f"the secret {arn!r} cannot be read: {error}") from error
