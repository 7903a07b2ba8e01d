"""Builds what the functions that embed pictures share: networks, indices, and fetchers."""

from functools import cached_property

from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import ElasticsearchIndices, IndexInfo
from lookalike.adapters.http import host_headers
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.http.host_headers import HostHeaders
from lookalike.adapters.openvino.embedder import Hint
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.concurrency import run_within
from lookalike.domain import Embedder, Model
from lookalike.errors import Misconfigured, TransientError
from lookalike.settings import Settings
from lookalike.wiring.base import AWS_CONFIG, Wiring, secret

INIT_LIMIT_S = 4.0
"""The time limit of Elasticsearch in Lambda's init phase, which lasts at most 10 s."""


class ModelWiring(Wiring):
    """Networks and the indices that they fill. ``hint`` is OpenVINO's performance hint: for single pictures or for batches."""

    hint: Hint = "THROUGHPUT"

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._open_indices: dict[str, ElasticsearchIndex] = {}

    @cached_property
    def indices(self) -> ElasticsearchIndices:
        """The indices of pictures behind the alias."""
        return ElasticsearchIndices(self.elasticsearch, self.settings.alias, self.settings.index_options)

    @cached_property
    def models(self) -> ModelStore:
        """The networks in the container image, by model id."""
        return ModelStore(self.settings.models, self.hint, self._remote)

    def _remote(self, model: Model) -> Embedder:
        """The client of a remote model; its modules are imported only if there is one."""
        from lookalike.remote import RemoteEmbedder

        kind, _, name = (model.remote or "").partition("/")
        if kind == "elasticsearch":
            from lookalike.adapters.elasticsearch.inference import InferenceEndpoint

            return RemoteEmbedder(model, InferenceEndpoint(self.elasticsearch, name).ask)
        import boto3

        from lookalike.adapters.bedrock.encoder import BedrockModel

        return RemoteEmbedder(model, BedrockModel(boto3.client("bedrock-runtime", config=AWS_CONFIG), name, model.dimensions).ask)

    @cached_property
    def http_fetcher(self) -> HttpFetcher:
        """Fetches pictures behind URLs."""
        return HttpFetcher(self.settings.private_image_origins, ca=self.settings.image_ca, headers=self._image_headers)

    def _image_headers(self) -> HostHeaders:
        arn = self.settings.image_headers_secret_arn
        return host_headers.parse(secret(arn)) if arn else {}

    def _load_model(self) -> None:
        """Loads a network during Lambda's init phase: that of the current index, or of the settings if there is none."""
        try:
            info = run_within(INIT_LIMIT_S, lambda: self.indices.current(), "Elasticsearch, or Secrets Manager,")
        except TransientError:
            self.models.embedder(self.settings.model)
        else:
            self._embedder(info)

    def _index(self, info: IndexInfo) -> ElasticsearchIndex:
        if info.name not in self._open_indices:
            self._open_indices[info.name] = ElasticsearchIndex(self.elasticsearch, info.name, self.settings.placeholder_hashes)
        return self._open_indices[info.name]

    def _embedder(self, info: IndexInfo) -> Embedder:
        embedder = self.models.embedder(info.model_id, wanted_by=f"the index {info.name!r}")
        if embedder.model.weights_sha256 != info.weights_sha256:
            raise Misconfigured(
                f"the index {info.name!r} was filled by {info.model_id!r} with weights {info.weights_sha256[:12]}…, "
                f"the model in the image has {embedder.model.weights_sha256[:12]}…: backfill into a new index, or deploy the old weights"
            )
        return embedder
