"""The exported networks in a folder, each loaded when it is first needed."""

from pathlib import Path
from threading import Lock

from lookalike.adapters.openvino.embedder import Hint, OpenVinoEmbedder, read_manifest
from lookalike.domain import Embedder, Model
from lookalike.errors import Misconfigured, RequestInvalid


class ModelStore:
    """One sub-folder a model, named by the model's id; ``hint`` as `OpenVinoEmbedder` takes it."""

    def __init__(self, folder: Path, hint: Hint) -> None:
        self._folder = folder
        self._hint = hint
        self._loaded: dict[str, Embedder] = {}
        self._lock = Lock()

    def ids(self) -> list[str]:
        """The models at hand."""
        return sorted(manifest.parent.name for manifest in self._folder.glob("*/manifest.json"))

    def manifest(self, model_id: str) -> Model:
        """What the model of this id is, without loading its network.

        Raises:
            RequestInvalid: it is not at hand; says what there is instead.
        """
        if model_id not in self.ids():
            there = ", ".join(map(repr, self.ids())) or "none"
            raise RequestInvalid(f"there is no model {model_id!r}; the models at hand are: {there}", field="into.model")
        return read_manifest(self._folder / model_id)

    def embedder(self, model_id: str, wanted_by: str = "the setting LOOKALIKE_MODEL") -> Embedder:
        """The network of this id. Raises `Misconfigured` if it is not at hand; says who wants it and what there is instead."""
        with self._lock:
            if model_id not in self._loaded:
                if model_id not in self.ids():
                    there = ", ".join(map(repr, self.ids())) or "none"
                    raise Misconfigured(f"{wanted_by} needs the model {model_id!r}, and the models at hand are: {there}")
                self._loaded[model_id] = OpenVinoEmbedder(self._folder / model_id, self._hint)
            return self._loaded[model_id]
