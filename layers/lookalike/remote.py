"""Models behind a network service: what their adapters share."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np

from lookalike.domain import Embedder, Model, Pixels, Vector, Vectors
from lookalike.errors import Misconfigured
from lookalike.pictures import decoding

AT_ONCE = 8
"""Concurrent requests of all batches together; such services limit the requests per minute."""

Ask: TypeAlias = Callable[[bytes | str], Sequence[float]]
"""Returns the embedding of a JPEG file or of a text. Raises `PictureUnusable` or `RequestInvalid` if the service refuses the input,
`TransientError` when the client's retries are exhausted, `Misconfigured` if a permission, setting or model is missing."""


class RemoteEmbedder(Embedder):
    """Sends each picture as a JPEG file, and normalises the vectors to unit length.

    Args:
        model: as its manifest describes it.
        ask: sends one request.
    """

    def __init__(self, model: Model, ask: Ask) -> None:
        self._model = model
        self._ask = ask
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="remote-model")

    @property
    def model(self) -> Model:
        return self._model

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        made = list(self._threads.map(lambda each: self._unit(decoding.jpeg(each)), pixels))
        return np.array(made, np.float32).reshape(len(made), self._model.dimensions)

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        return vectors if model.weights_sha256 == self._model.weights_sha256 else None

    def embed_text(self, text: str) -> Vector:
        return self._unit(text)

    def _unit(self, subject: bytes | str) -> Vector:
        vector = np.array(self._ask(subject), np.float32)
        length = float(np.linalg.norm(vector))
        if vector.shape != (self._model.dimensions,) or not 0 < length < np.inf:
            raise Misconfigured(
                f"{self._model.remote} gave {vector.size} numbers of length {length:g}, and the manifest of {self._model.id!r} "
                f"says {self._model.dimensions} dimensions: export it again with the dimensions that it has"
            )
        unit: Vector = vector / length
        return unit
