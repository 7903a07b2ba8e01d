"""Finds the network that is to be measured or adapted: in the folder of exported networks, then in that of a shop's own."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lookalike.adapters.openvino.manifests import Manifests, read_manifest
from lookalike.errors import Misconfigured

from layers.models import export
from layers.models.export import Say
from layers.models.manifest import FILE, is_up_to_date
from layers.models.networks import AUTO, NETWORKS


class Folders(NamedTuple):
    """Where networks are, one sub-folder each: ``exported`` those of the table, exported if they are missing; ``own`` the shop's."""

    exported: Path = Path("build/models")
    own: Path = Path("build/own-models")

    @classmethod
    def add_to(cls, parser: ArgumentParser) -> None:
        """Adds both to a command's arguments, as ``output`` and ``own``."""
        exported, own = cls()
        parser.add_argument("--output", type=Path, default=exported, metavar="FOLDER", help="where models are, one sub-folder each")
        parser.add_argument("--own", type=Path, default=own, metavar="FOLDER", help="where models are looked for too")

    def located(self, names: Sequence[str], say: Say) -> list[Path]:
        """The folder of each network. All names are checked before a network is exported, which takes minutes.

        Raises:
            Misconfigured: a network is in neither folder, or does not run on this machine.
            ExportFailed: a network of the table cannot be exported.
        """
        found = [self._found(name) for name in names]
        return [self._ensured(name, place, say) for name, place in zip(names, found, strict=True)]

    def _ensured(self, name: str, place: Path | None, say: Say) -> Path:
        if place is None:
            return self.exported / export.ensure(name, self.exported, say)
        say(f"{name} is in {place}")
        return place

    def _found(self, name: str) -> Path | None:
        """The network's folder; None for one of the table that is to be exported."""
        both = [self.exported / name, self.own / name]
        if name in (*NETWORKS, AUTO):
            return next((place for place in both if is_up_to_date(place)), None)
        place = next((place for place in both if (place / FILE).exists()), None)
        if place is None:
            there = sorted({*Manifests(self.exported).ids(), *Manifests(self.own).ids()})
            raise Misconfigured(
                f"the model {name!r} is neither in {self.exported} nor in {self.own}, where there are: {', '.join(there) or 'none'}. "
                f"Export it into {self.own} (layers/models/README.md), or name one of these or of {', '.join(NETWORKS)}"
            )
        if remote := read_manifest(place).remote:
            raise Misconfigured(
                f"{name} is computed elsewhere ({remote}): it cannot be adapted, and is measured by an index that it has filled: "
                "make evaluate INDEX=… ES_URL=…"
            )
        return place
