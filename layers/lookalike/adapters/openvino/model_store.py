"""The exported networks in a folder, each loaded when it is first needed."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from lookalike.adapters.openvino.embedder import Hint, OpenVinoEmbedder
from lookalike.adapters.openvino.manifests import Manifests, read_manifest
from lookalike.domain import Embedder, Model
from lookalike.errors import Misconfigured


class ModelStore(Manifests):
    """The networks themselves; ``hint`` as `OpenVinoEmbedder` takes it, ``remote`` makes what asks a model elsewhere."""

    def __init__(self, folder: Path, hint: Hint, remote: Callable[[Model], Embedder] | None = None) -> None:
        super().__init__(folder)
        self._hint = hint
        self._remote = remote
        self._loaded: dict[str, Embedder] = {}
        self._lock = Lock()

    def begin(self) -> None:
        """Begins to load the network beside other work, if it is the only one; what is wrong with it is said when it is asked for.

        A model elsewhere has nothing to load, and an AWS client must not be made while another one is.
        """

        def load() -> None:
            with suppress(Misconfigured):
                if not self.manifest(only).remote:
                    self.embedder(only)

        [only, *others] = self.ids() or [""]
        if only and not others:
            Thread(target=load, name="model", daemon=True).start()

    def embedder(self, model_id: str, wanted_by: str = "the setting LOOKALIKE_MODEL") -> Embedder:
        """The network of this id. Raises `Misconfigured` if it is not at hand; says who wants it and what there is instead."""
        with self._lock:
            if model_id not in self._loaded:
                if model_id not in self.ids():
                    raise Misconfigured(f"{wanted_by} needs the model {model_id!r}, and the models at hand are: {self.told()}")
                model = read_manifest(self._folder / model_id)
                if model.remote and self._remote:
                    self._loaded[model_id] = self._remote(model)
                else:
                    self._loaded[model_id] = OpenVinoEmbedder(self._folder / model_id, self._hint)
            return self._loaded[model_id]
