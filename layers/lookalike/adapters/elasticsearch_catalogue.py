"""Which indices of pictures there are, what they are called, and which model filled each."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.backfills import Into
from lookalike.domain import Model
from lookalike.errors import IndexMissing, Misconfigured, RequestInvalid

CACHED_S = 5.0
LEAST_VERSION = (9, 3)
"""Older servers do not take vectors as base64."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """A concrete index and the model that its ``_meta`` names."""

    name: str
    model_id: str
    weights_sha256: str


class ElasticsearchCatalogue:
    """Resolves the alias.

    Args:
        alias: points to the index that is searched; ``ALIAS-next`` to one that is being filled to take its place, if any.
        definitions: folder with ``pictures.json``, the settings and mappings of an index.
        clock: seconds, for how long an answer is kept.
        model: a model by its id, for an index that is to be filled beside the one that is searched.
    """

    def __init__(
        self,
        client: Elasticsearch,
        alias: str,
        definitions: Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        model: Callable[[str], Model] | None = None,
    ) -> None:
        self._client = client
        self._alias = alias
        self._next = f"{alias}-next"
        self._definitions = definitions
        self._clock = clock
        self._model = model
        self._resolved: dict[str, IndexInfo] = {}
        self._resolved_at = float("-inf")

    def current(self) -> IndexInfo:
        """The index behind the alias.

        Raises:
            IndexMissing: there is none yet.
            Misconfigured: the alias leads elsewhere than to one index of ours.
        """
        resolved = self._resolve()
        if self._alias not in resolved:
            raise IndexMissing(f"nothing is behind the alias {self._alias!r}: put a picture into the bucket, or start a backfill")
        return resolved[self._alias]

    def written(self, model: Model, *, is_fresh: bool = False) -> list[IndexInfo]:
        """The indices that every picture is written to: the current one, and one that is being filled.

        Where there is no index yet, the first one is made for ``model``. With ``is_fresh``, nothing remembered is the answer.
        """
        if is_fresh:
            self._resolved_at = float("-inf")
        if self._alias not in self._resolve():
            self._create(f"{self._alias}-{model.id}-1", model, self._alias)
        return list(dict.fromkeys(self._resolve().values()))

    def named(self, name: str) -> IndexInfo:
        """An index by its own name.

        Raises:
            IndexMissing: there is none of this name.
        """
        with explained(name):
            found = self._client.indices.get(index=name, features=["mappings"])
        return _info(name, found[name]["mappings"])

    def searched(self) -> str:
        """The name of the index behind the alias, everything that was written to it findable."""
        self._resolved_at = float("-inf")
        name = self.current().name
        with explained(name):
            self._client.indices.refresh(index=name)
        return name

    def prepare(self, into: Into) -> str:
        """Makes an index unless it is there, and has every picture written to it too from now on; answers with its name.

        Raises:
            RequestInvalid: another one is being filled, or it was filled by another model, or there is no such model.
        """
        self._resolved_at = float("-inf")
        resolved = self._resolve()
        model = self._model_of(into.model)
        name = into.index or self._free_name(model)
        filled = resolved.get(self._next)
        if filled and filled.name != name:
            raise RequestInvalid(f"the index {filled.name!r} is being filled: switch to it, or cancel its backfill", field="into")
        if not name.startswith(f"{self._alias}-"):
            raise RequestInvalid(f"an index of pictures is called {self._alias}-…, such as {self._free_name(model)!r}", field="into.index")
        self._create(name, model, self._next)
        there = self.named(name)
        if (there.model_id, there.weights_sha256) != (model.id, model.weights_sha256):
            raise RequestInvalid(f"the index {name!r} was filled by {there.model_id!r}, not by this {model.id!r}", field="into.model")
        if self._alias not in resolved or resolved[self._alias].name != name:
            with explained(name):
                self._client.indices.put_alias(index=name, name=self._next)
        self._resolved_at = float("-inf")
        return name

    def let_go(self, name: str) -> None:
        """Has no picture written to the index any more, unless it is the one that is searched; it is kept."""
        with explained(name):
            self._client.options(ignore_status=404).indices.delete_alias(index=name, name=self._next)
        self._resolved_at = float("-inf")

    def switch(self, name: str) -> str | None:
        """Makes it the index that is searched, at once for everybody; answers with the one that was, which is kept."""
        self._resolved_at = float("-inf")
        previous = self._resolve().get(self._alias)
        if previous and previous.name == name:
            return None
        removed: list[Mapping[str, Any]] = [{"remove": {"index": previous.name, "alias": self._alias}}] if previous else []
        moved = [
            {"add": {"index": name, "alias": self._alias, "is_write_index": True}},
            {"remove": {"index": name, "alias": self._next, "must_exist": False}},
        ]
        with explained(name):
            self._client.indices.refresh(index=name)
            self._client.indices.update_aliases(actions=[*removed, *moved])
        self._resolved_at = float("-inf")
        return previous.name if previous else None

    def _model_of(self, model_id: str) -> Model:
        if self._model is None:
            raise Misconfigured("there is nobody to ask for models")
        return self._model(model_id)

    def _free_name(self, model: Model) -> str:
        """The model's next number, or that of its index which is being filled."""
        filled = self._resolved.get(self._next)
        if filled and filled.model_id == model.id:
            return filled.name
        prefix = f"{self._alias}-{model.id}-"
        with explained(self._alias):
            names = self._client.indices.get(index=f"{prefix}*", features=["aliases"])
        numbers = [int(name.removeprefix(prefix)) for name in names if name.removeprefix(prefix).isdigit()]
        return f"{prefix}{max(numbers, default=0) + 1}"

    def _resolve(self) -> dict[str, IndexInfo]:
        if self._clock() - self._resolved_at > CACHED_S:
            aliases = [self._alias, self._next]
            with explained(self._alias):
                found = self._client.indices.get(index=aliases, ignore_unavailable=True, features=["aliases", "mappings"]).body
            self._resolved = _by_alias(found, aliases)
            self._resolved_at = self._clock() if self._alias in self._resolved else float("-inf")
        return self._resolved

    def _create(self, name: str, model: Model, alias: str) -> None:
        """Makes an index and its alias at once."""
        with explained(name):
            self._check_version()
        make_index(self._client, name, definition(self._definitions, model) | {"aliases": {alias: {"is_write_index": True}}})
        self._resolved_at = float("-inf")

    def _check_version(self) -> None:
        number = self._client.info()["version"]["number"]
        if tuple(int(part) for part in number.split(".")[:2]) < LEAST_VERSION:
            raise Misconfigured(f"Elasticsearch {number} is too old: 9.3 or later is needed")


def definition(folder: Path, model: Model) -> dict[str, Any]:
    """Settings and mappings of an index for a model's vectors."""
    body: dict[str, Any] = json.loads((folder / "pictures.json").read_text())
    body["mappings"]["properties"]["image_vector"]["dims"] = model.dimensions
    body["mappings"]["_meta"] = {
        "model": {
            "id": model.id,
            "weights_sha256": model.weights_sha256,
            "preprocessing": model.preprocessing,
            "dimensions": model.dimensions,
        }
    }
    return body


def _by_alias(found: Mapping[str, Any], aliases: list[str]) -> dict[str, IndexInfo]:
    resolved: dict[str, IndexInfo] = {}
    for alias in aliases:
        for name, index in found.items():
            if alias not in index["aliases"] and alias != name:
                continue
            if alias in resolved:
                raise Misconfigured(f"the alias {alias!r} leads to several indices: {resolved[alias].name!r} and {name!r}")
            resolved[alias] = _info(name, index["mappings"])
    return resolved


def _info(name: str, mappings: Mapping[str, Any]) -> IndexInfo:
    model = mappings.get("_meta", {}).get("model", {})
    if not {"id", "weights_sha256"} <= set(model):
        raise Misconfigured(f"the index {name!r} names no model in its _meta: it was not made by lookalike")
    return IndexInfo(name, model["id"], model["weights_sha256"])
