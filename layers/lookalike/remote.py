"""A model that is asked over the network: what its adapters have in common."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np

from lookalike.domain import Embedder, Model, Pixels, Vector, Vectors
from lookalike.errors import Misconfigured
from lookalike.pictures import decoding

AT_ONCE = 8
"""Requests that are under way, of all batches together; services of this kind have a limit of requests a minute."""

Ask: TypeAlias = Callable[[bytes | str], Sequence[float]]
"""The numbers of a JPEG file or of a text. Raises `PictureUnusable` or `RequestInvalid` for what the service refuses to embed,
`TransientError` once the client's own retries are over, `Misconfigured` for a right, setting or model that is missing."""


class RemoteEmbedder(Embedder):
    """Sends each picture as a JPEG file; vectors are made unit length here, whatever the service does.

    Args:
        model: as its manifest describes it.
        ask: one request.
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
