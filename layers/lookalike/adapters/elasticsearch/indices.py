"""The indices of pictures: their names, the model of each, and where the alias points."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.client import definition, ensure_index, translate_errors
from lookalike.domain import IndexOptions, Model
from lookalike.errors import IndexMissing, Misconfigured

CACHED_S = 5.0
DEFAULT_OPTIONS = IndexOptions()
QUANTIZED = ("int", "bbq")
"""The first letters of index types whose hits are rescored with the full vectors."""

LICENCES = {"bbq_disk": frozenset({"enterprise", "trial"})}
"""The licences that cover an index type; other types need none. Without one, the index can be created but not written to."""

LEAST_VERSION = (9, 3)
"""Older servers do not accept vectors as base64."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """A concrete index and the model that its ``_meta`` names."""

    name: str
    model_id: str
    weights_sha256: str


class ElasticsearchIndices:
    """Resolves the indices behind an alias, and creates the first one.

    Args:
        alias: points to the index that is searched; ``ALIAS-next`` to the one that is being filled to replace it, if any.
        options: the options of new indices.
        clock: returns seconds, for the age of cached answers.
    """

    def __init__(
        self, client: Elasticsearch, alias: str, options: IndexOptions = DEFAULT_OPTIONS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._alias = alias
        self._next = f"{alias}-next"
        self._options = options
        self._clock = clock
        self._resolved: dict[str, list[IndexInfo]] = {}
        self._resolved_at = float("-inf")

    def current(self) -> IndexInfo:
        """The index behind the alias.

        Raises:
            IndexMissing: there is none yet.
            Misconfigured: the alias points to several indices, or to one that lookalike did not create.
        """
        resolved = self._resolve()
        if self._alias not in resolved:
            raise IndexMissing(f"nothing is behind the alias {self._alias!r}: put a picture into the bucket, or start a backfill")
        return self._one(self._alias)

    def next(self) -> IndexInfo | None:
        """The index that is being filled to replace the current one; None if there is none. Raises `Misconfigured` as `current`."""
        return self._one(self._next) if self._next in self._resolve() else None

    def written(self, model: Model, *, is_fresh: bool = False) -> list[IndexInfo]:
        """The indices that every picture is written to: the current one, and one that is being filled.

        If there is no index yet, the first one is created for ``model``. ``is_fresh`` bypasses the cache.
        """
        if is_fresh:
            self._resolved_at = float("-inf")
        if self._alias not in self._resolve():
            if fault := self._licence_fault(self._options):
                raise Misconfigured(fault)
            name = f"{self._alias}-{model.id}-1"
            self._create(name, model, self._alias, self._options)
            if self._alias not in self._resolve():
                raise Misconfigured(
                    f"the index {name!r} exists, and the alias {self._alias!r} does not point to it or to any other: "
                    "add the alias to the index that is to be searched, or delete that index"
                )
        return list(dict.fromkeys(self._one(alias) for alias in (self._alias, self._next) if alias in self._resolve()))

    def named(self, name: str) -> IndexInfo:
        """An index by its name, not an alias. Raises `IndexMissing` if it does not exist."""
        with translate_errors(name):
            found = self._client.indices.get(index=name, features=["mappings"])
        if name not in found:
            raise Misconfigured(f"{name!r} is a pattern or an alias: give the name of an index")
        return _info(name, found[name]["mappings"])

    def _one(self, alias: str) -> IndexInfo:
        """The index behind an alias. Raises `Misconfigured` if it points to several."""
        first, *others = self._resolve()[alias]
        if others:
            raise Misconfigured(f"the alias {alias!r} points to several indices: {first.name!r} and {others[0].name!r}")
        return first

    def _resolve(self) -> dict[str, list[IndexInfo]]:
        if self._clock() - self._resolved_at > CACHED_S:
            aliases = [self._alias, self._next]
            with translate_errors(self._alias):
                found = self._client.indices.get(index=aliases, ignore_unavailable=True, features=["aliases", "mappings"]).body
            self._resolved = _by_alias(found, aliases)
            is_clear = self._alias in self._resolved and all(len(infos) == 1 for infos in self._resolved.values())
            self._resolved_at = self._clock() if is_clear else float("-inf")
        return self._resolved

    def _create(self, name: str, model: Model, alias: str, options: IndexOptions) -> None:
        """Creates an index and its alias at once."""
        with translate_errors(name):
            check_version(self._client.info()["version"])
        ensure_index(self._client, name, definition_of(model, options) | {"aliases": {alias: {"is_write_index": True}}})
        self._resolved_at = float("-inf")

    def _licence_fault(self, options: IndexOptions) -> str | None:
        """Why indices of this type cannot be written to; None if they can, or if our key may not read the licence."""
        if options.type not in LICENCES:
            return None
        with translate_errors():
            found = self._client.options(ignore_status=(400, 403, 404, 410)).license.get()
        licence = found.get("license", {}).get("type")
        if licence is None or licence in LICENCES[options.type]:
            return None
        return f"the index type {options.type} needs an Enterprise licence, and this Elasticsearch has {licence!r}: choose another type"


def check_version(version: Mapping[str, Any]) -> None:
    """Checks a server's version. Raises `Misconfigured` if lookalike's indices cannot be created there."""
    number = version["number"]
    if version.get("build_flavor") == "serverless":
        raise Misconfigured("Elastic Cloud Serverless manages shards and replicas itself and is not supported: use a hosted deployment")
    if tuple(int(part) for part in number.split(".")[:2]) < LEAST_VERSION:
        raise Misconfigured(f"Elasticsearch {number} is too old: 9.3 or later is needed")


def definition_of(model: Model, options: IndexOptions) -> dict[str, Any]:
    """Settings and mappings of an index for a model's vectors."""
    body = definition("pictures")
    settings, vector = body["settings"]["index"], body["mappings"]["properties"]["image_vector"]
    settings["number_of_shards"] = options.shards
    if options.replicas is not None:
        del settings["auto_expand_replicas"]
        settings["number_of_replicas"] = options.replicas
    vector["dims"] = model.dimensions
    vector["index_options"] = {"type": options.type}
    if options.type.startswith(QUANTIZED):
        vector["index_options"]["rescore_vector"] = {"oversample": options.oversample}
    body["mappings"]["_meta"] = {
        "model": {
            "id": model.id,
            "weights_sha256": model.weights_sha256,
            "preprocessing": model.preprocessing,
            "dimensions": model.dimensions,
        }
    }
    return body


def _by_alias(found: Mapping[str, Any], aliases: list[str]) -> dict[str, list[IndexInfo]]:
    """The indices behind each alias; aliases without any are left out."""
    resolved: dict[str, list[IndexInfo]] = {}
    for alias in aliases:
        for name, index in found.items():
            if alias in index["aliases"] or alias == name:
                resolved.setdefault(alias, []).append(_info(name, index["mappings"]))
    return resolved


def _info(name: str, mappings: Mapping[str, Any]) -> IndexInfo:
    model = mappings.get("_meta", {}).get("model", {})
    if not {"id", "weights_sha256"} <= set(model):
        raise Misconfigured(f"the index {name!r} names no model in its _meta: lookalike did not create it")
    return IndexInfo(name, model["id"], model["weights_sha256"])
