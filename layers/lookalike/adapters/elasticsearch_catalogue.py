"""Which indices of pictures there are, what they are called, and which model filled each."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.domain import Model
from lookalike.errors import IndexMissing, Misconfigured

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
    """

    def __init__(self, client: Elasticsearch, alias: str, definitions: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._alias = alias
        self._definitions = definitions
        self._clock = clock
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

    def written(self, model: Model) -> list[IndexInfo]:
        """The indices that every picture is written to: the current one, and one that is being filled.

        Where there is no index yet, the first one is made for ``model``.
        """
        if self._alias not in self._resolve():
            self._create(f"{self._alias}-{model.id}-1", model)
        return list(dict.fromkeys(self._resolve().values()))

    def _resolve(self) -> dict[str, IndexInfo]:
        if self._clock() - self._resolved_at > CACHED_S:
            aliases = [self._alias, f"{self._alias}-next"]
            with explained(self._alias):
                found = self._client.indices.get(index=aliases, ignore_unavailable=True, features=["aliases", "mappings"]).body
            self._resolved = _by_alias(found, aliases)
            self._resolved_at = self._clock() if self._alias in self._resolved else float("-inf")
        return self._resolved

    def _create(self, name: str, model: Model) -> None:
        """Makes the first index and its alias at once."""
        with explained(name):
            self._check_version()
        make_index(self._client, name, definition(self._definitions, model) | {"aliases": {self._alias: {"is_write_index": True}}})
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
    for name, index in found.items():
        for alias in aliases:
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
