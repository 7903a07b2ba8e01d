"""Applies changes of products by their time: a change older than the stored state has no effect, whenever it arrives.

The newest state of each product, deleted ones included, is stored in an index of its own. A change is first compared with it and stored.
Then the stored state is written to the indices and read again: if another process stored a newer one meanwhile, that one is written.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Protocol

from more_itertools import partition

from lookalike.domain import Product
from lookalike.errors import LookalikeError, RequestInvalid, TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.outcomes import PictureOutcome

ATTEMPTS = 5
"""How often a product is written again if it changes meanwhile."""

MAX_FORMER_URLS = 200
"""The most former image URLs that are stored, so that their pictures can be deleted before a search can find them."""


@dataclass(frozen=True, slots=True)
class ProductState:
    """The state of a product.

    Args:
        as_of: the time of this state, in milliseconds since 1970.
        product: None if it is deleted.
        former_urls: image URLs of earlier states.
        version: the stored document's version, for `ProductStates.put`.
    """

    product_id: str
    as_of: int
    product: Product | None
    former_urls: tuple[str, ...] = ()
    version: Any = field(default=None, compare=False)

    @property
    def urls(self) -> tuple[str, ...]:
        """The image URLs; none if the product is deleted."""
        return self.product.image_urls if self.product else ()

    def supersedes(self, stored: "ProductState | None") -> bool:
        """Whether this is newer than the stored state, or a different one of the same millisecond."""
        return stored is None or self.as_of > stored.as_of or (self.as_of == stored.as_of and self.product != stored.product)

    def after(self, stored: "ProductState | None") -> "ProductState":
        """This state as the successor of the stored one, with its version and its URLs as former ones."""
        if stored is None:
            return replace(self, version=None)
        former = dict.fromkeys(url for url in (*stored.urls, *stored.former_urls) if url not in self.urls)
        return replace(self, former_urls=tuple(former)[:MAX_FORMER_URLS], version=stored.version)


class ProductStates(Protocol):
    """Stores the newest state of each product, read and written in real time.

    Each ``scope`` has separate states: what is written to a single index must not change the state for all indices.
    """

    def get(self, product_ids: Iterable[str], scope: str = "") -> dict[str, ProductState]:
        """The stored states, by product id. Raises `TransientError`."""

    def put(self, states: Iterable[ProductState], scope: str = "") -> dict[str, ProductState | LookalikeError]:
        """Stores states, except those of products that another process stored since their version was read.

        Returns by product id the stored states, with their new versions, and the errors of states that can never be stored.
        """


@dataclass(frozen=True, slots=True)
class ProductUpdates:
    """Applies changes of products; the newest state wins."""

    indexer: Indexer
    states: ProductStates

    def apply(self, changes: Iterable[ProductState], into: str | None = None, stop_at: float = inf) -> Iterator[PictureOutcome]:
        """Writes the newest state of each product: the change, or the stored state if that is newer.

        Yields the outcome of each picture; for a product that is deleted one with the state ``unchanged``.

        Args:
            changes: of two of the same product, the newer one counts.
            into: as `Indexer.put` takes it.
            stop_at: as `Indexer.put` takes it; what we have overwritten meanwhile is mended, however late it is.

        Raises as `Indexer.put`.
        """
        refused, given = map(list, partition(lambda change: change.urls or change.product is None, changes))
        yield from map(_without_pictures, refused)
        newest: dict[str, ProductState] = {}
        urls: dict[str, set[str]] = {}
        for change in given:
            urls.setdefault(change.product_id, set()).update(change.urls)
            if change.supersedes(newest.get(change.product_id)):
                newest[change.product_id] = change
        states, errors = self._store(newest, into or "")
        yield from (PictureOutcome(product_id, "", "failed", error) for product_id, error in errors.items())
        for attempt in range(ATTEMPTS):
            for state in states.values():
                urls[state.product_id].update(state.urls, state.former_urls)
            outcomes = list(self._write(states.values(), urls, into, inf if attempt else stop_at))
            if into is None:
                outcomes += self._write_what_is_newer_in_one_index(states, stop_at)
            changed = self._changed(states, into or "")
            yield from (outcome for outcome in outcomes if outcome.product_id not in changed)
            if not changed:
                return
            states, _errors = self._store(changed, into or "")
        for product_id in states:
            yield PictureOutcome(product_id, "", "failed", TransientError("the product changes faster than it can be indexed"))

    def _store(self, changes: Mapping[str, ProductState], scope: str) -> tuple[dict[str, ProductState], dict[str, LookalikeError]]:
        """Stores changes unless newer states are stored; returns the newest states, and the errors of those that cannot be stored."""
        newest: dict[str, ProductState] = {}
        errors: dict[str, LookalikeError] = {}
        everywhere = self.states.get(changes) if scope else {}
        wanted = {id_: change if change.supersedes(everywhere.get(id_)) else everywhere[id_] for id_, change in changes.items()}
        for _ in range(ATTEMPTS):
            missing = [change for id_, change in wanted.items() if id_ not in newest and id_ not in errors]
            if not missing:
                return newest, errors
            stored = self.states.get((change.product_id for change in missing), scope)
            newer = [change.after(stored.get(change.product_id)) for change in missing if change.supersedes(stored.get(change.product_id))]
            newest |= {id_: stored[id_] for id_ in stored.keys() - {change.product_id for change in newer}}
            for id_, result in (self.states.put(newer, scope) if newer else {}).items():
                if isinstance(result, LookalikeError):
                    errors[id_] = result
                else:
                    newest[id_] = result
        raise TransientError("other processes change the same products")

    def _write_what_is_newer_in_one_index(self, states: Mapping[str, ProductState], stop_at: float) -> Iterator[PictureOutcome]:
        """A backfill may have read newer states of these products into an index of its own, which were overwritten now."""
        for index in self.indexer.target_names():
            newer = [state for id_, state in self.states.get(states, index).items() if state.as_of > states[id_].as_of]
            yield from self.apply(newer, index, stop_at) if newer else ()

    def _changed(self, states: Mapping[str, ProductState], scope: str) -> dict[str, ProductState]:
        """The products, with their states, that another process has stored meanwhile."""
        stored = self.states.get(states, scope)
        changed = {id_: stored[id_] for id_, state in states.items() if id_ in stored and stored[id_].version != state.version}
        everywhere = self.states.get(states) if scope else {}
        return changed | {id_: newer for id_, newer in everywhere.items() if newer.as_of > states[id_].as_of}

    def _write(
        self, states: Collection[ProductState], urls: Mapping[str, set[str]], into: str | None, stop_at: float
    ) -> Iterator[PictureOutcome]:
        """Writes these states, and deletes pictures at any other known URLs of the products."""
        unlisted = {state.product_id: urls[state.product_id] - set(state.urls) for state in states}
        yield from self.indexer.put([state.product for state in states if state.product], into, unlisted, stop_at)
        deleted = {state.product_id: state.as_of for state in states if state.product is None}
        self.indexer.delete(deleted, into, unlisted)
        yield from (PictureOutcome(product_id, "", "unchanged") for product_id in deleted)


def _without_pictures(change: ProductState) -> PictureOutcome:
    return PictureOutcome(change.product_id, "", "failed", RequestInvalid("the product has no image URL", field="image_urls"))
