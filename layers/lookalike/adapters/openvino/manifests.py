"""What the exported networks in a folder are, told without loading one."""

import json
from pathlib import Path

from lookalike.domain import Model
from lookalike.errors import Misconfigured, RequestInvalid


class Manifests:
    """One sub-folder a model, named by the model's id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> list[str]:
        """The models at hand."""
        return sorted(manifest.parent.name for manifest in self._folder.glob("*/manifest.json"))

    def manifest(self, model_id: str) -> Model:
        """What the model of this id is. Raises `RequestInvalid` if it is not at hand; says what there is instead."""
        if model_id not in self.ids():
            raise RequestInvalid(f"there is no model {model_id!r}; the models at hand are: {self.told()}", field="into.model")
        return read_manifest(self._folder / model_id)

    def told(self) -> str:
        """The models at hand, for a message."""
        return ", ".join(map(repr, self.ids())) or "none"


def read_manifest(folder: Path) -> Model:
    """The model that a folder's manifest describes. Raises `Misconfigured` if there is none, or it lacks something."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        width, height = manifest["input_size"]
        return Model(
            id=manifest["id"],
            weights_sha256=manifest["weights_sha256"],
            dimensions=manifest["dimensions"],
            input_size=(width, height),
            interpolation=manifest["interpolation"],
            preprocessing=manifest["preprocessing"],
            precision=manifest["precision"],
            resize=manifest.get("resize", "stretch"),
            crop_share=manifest.get("crop_share", 1.0),
            adapted_from=manifest.get("adapted_from"),
            remote=manifest.get("remote"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(f"{str(folder)!r} holds no exported network: {error!r}") from error
