"""The indices of the system's own state (backfills, outcomes, dead letters, product states), whose documents have computed ids."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from elastic_transport import ObjectApiResponse
from elasticsearch import Elasticsearch, NotFoundError

from lookalike.adapters.elasticsearch.client import bulk, definition, documents, ensure_index, once_started, translate_errors
from lookalike.errors import IndexMissing, IndexUnavailable

Body = dict[str, Any]


def document_id(*parts: str) -> str:
    """The id of the document about what these parts name together, 32 hex digits."""
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class StateIndex:
    """An index that is created with its mapping before it is written to, or when a search does not find it.

    Each method raises `IndexUnavailable` or `Misconfigured` where Elasticsearch cannot answer or refuses to.

    Args:
        name: the name of the index.
        kind: which definition it has: ``mappings/KIND.json``.
    """

    client: Elasticsearch
    name: str
    kind: str

    def documents(self, ids: Collection[str], fields: Sequence[str] | None = None) -> dict[str, Mapping[str, Any]]:
        """The documents that exist, by id, read in real time; ``fields`` are those of their sources, by default all."""
        with suppress(IndexMissing):
            return documents(self.client, self.name, list(ids), fields)
        return {}

    def search(self, **body: Any) -> ObjectApiResponse[Any]:
        """The answer to a search; it finds what was written before the last refresh."""
        return self._read(lambda: once_started(lambda: self.client.search(index=self.name, **body)))

    def refresh(self) -> None:
        """Makes searches find all that was written."""
        self._read(lambda: self.client.indices.refresh(index=self.name))

    def bulk(self, actions: Sequence[Body], *, refresh: bool = False) -> dict[str, Mapping[str, Any]]:
        """Carries out bulk actions; returns Elasticsearch's answer to each, by document id. ``refresh`` makes searches find the result."""
        if not actions:
            return {}
        self._ensure()
        return bulk(self.client, self.name, actions, refresh=refresh)

    def write(self, actions: Sequence[Body], *, refresh: bool = False) -> None:
        """Carries out bulk actions, all of which must succeed; deleting a document that does not exist does."""
        for answer in self.bulk(actions, refresh=refresh).values():
            if "error" in answer:
                raise IndexUnavailable(f"{answer['_id']!r} could not be written to {self.name!r}: {answer['error']}")

    def _read(self, ask: Callable[[], ObjectApiResponse[Any]]) -> ObjectApiResponse[Any]:
        """The answer to a request, which is repeated on a new index if there was none."""
        with translate_errors(self.name):
            try:
                return ask()
            except NotFoundError:
                self._ensure()
                return ask()

    def _ensure(self) -> None:
        ensure_index(self.client, self.name, definition(self.kind))
