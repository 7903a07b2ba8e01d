"""Products in the order of their truth: what is older than what is known of a product changes nothing, whenever it arrives.

The newest known state of each product, deleted ones included, is stored beside the indices. A change is first compared with it and stored,
then the index is made to hold what is stored, and the stored state is read again: a process that wrote an older state meanwhile repeats.
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
"""How often a product is written that changes while it is written."""

MAX_FORMER_URLS = 200
"""Image URLs that are kept of earlier states, so that their pictures are deleted even before a search can find them."""


@dataclass(frozen=True, slots=True)
class ProductState:
    """What is known of a product.

    Args:
        as_of: when this was true, in milliseconds since 1970.
        product: None if it is deleted.
        former_urls: image URLs of earlier states.
        version: the store's own, for `ProductStates.put`.
    """

    product_id: str
    as_of: int
    product: Product | None
    former_urls: tuple[str, ...] = ()
    version: Any = field(default=None, compare=False)

    @property
    def urls(self) -> tuple[str, ...]:
        """The image URLs, none of a deleted product."""
        return self.product.image_urls if self.product else ()

    def supersedes(self, stored: "ProductState | None") -> bool:
        """Whether this is newer than what is stored, or another state of the same millisecond."""
        return stored is None or self.as_of > stored.as_of or (self.as_of == stored.as_of and self.product != stored.product)

    def after(self, stored: "ProductState | None") -> "ProductState":
        """This state as it takes the place of the stored one."""
        if stored is None:
            return replace(self, version=None)
        former = dict.fromkeys(url for url in (*stored.urls, *stored.former_urls) if url not in self.urls)
        return replace(self, former_urls=tuple(former)[:MAX_FORMER_URLS], version=stored.version)


class ProductStates(Protocol):
    """Where the newest state of each product is stored, read and written in real time.

    A ``scope`` keeps states of its own: those of an index that is filled alone must not change what is known of all.
    """

    def get(self, product_ids: Iterable[str], scope: str = "") -> dict[str, ProductState]:
        """The stored states, by product id. Raises `TransientError`."""

    def put(self, states: Iterable[ProductState], scope: str = "") -> dict[str, ProductState | LookalikeError]:
        """Stores states, each unless another process stored one since its version was read.

        Returns those that were stored, with their new versions, and the errors of those that can never be, by product id.
        """


@dataclass(frozen=True, slots=True)
class ProductUpdates:
    """Applies changes of products, newest truth first."""

    indexer: Indexer
    states: ProductStates

    def apply(self, changes: Iterable[ProductState], into: str | None = None, stop_at: float = inf) -> Iterator[PictureOutcome]:
        """Makes the index hold the newest state of each product: the change, or what is stored if that is newer.

        Yields the outcome of each picture; for a product that is deleted one with the state ``unchanged``.

        Args:
            changes: of two of the same product, the newer one counts.
            into: as `Indexer.put` takes it.
            stop_at: as `Indexer.put` takes it.

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
        for _ in range(ATTEMPTS):
            for state in states.values():
                urls[state.product_id].update(state.urls, state.former_urls)
            outcomes = list(self._write(states.values(), urls, into, stop_at))
            changed = self._changed(states, into or "")
            yield from (outcome for outcome in outcomes if outcome.product_id not in changed)
            if not changed:
                return
            states, _errors = self._store(changed, into or "")
        for product_id in states:
            yield PictureOutcome(product_id, "", "failed", TransientError("the product changes faster than it can be indexed"))

    def _store(self, changes: Mapping[str, ProductState], scope: str) -> tuple[dict[str, ProductState], dict[str, LookalikeError]]:
        """The newest state of each product, stored; the errors of those that cannot be."""
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

    def _changed(self, states: Mapping[str, ProductState], scope: str) -> dict[str, ProductState]:
        """Products of which another process has stored another state meanwhile."""
        stored = self.states.get(states, scope)
        changed = {id_: stored[id_] for id_, state in states.items() if id_ in stored and stored[id_].version != state.version}
        everywhere = self.states.get(states) if scope else {}
        return changed | {id_: newer for id_, newer in everywhere.items() if newer.as_of > states[id_].as_of}

    def _write(
        self, states: Collection[ProductState], urls: Mapping[str, set[str]], into: str | None, stop_at: float
    ) -> Iterator[PictureOutcome]:
        """Makes the index hold these states, and no picture at another of the URLs that are known to have been theirs."""
        unlisted = {state.product_id: urls[state.product_id] - set(state.urls) for state in states}
        yield from self.indexer.put([state.product for state in states if state.product], into, unlisted, stop_at)
        deleted = {state.product_id: state.as_of for state in states if state.product is None}
        self.indexer.delete(deleted, into, unlisted)
        yield from (PictureOutcome(product_id, "", "unchanged") for product_id in deleted)


def _without_pictures(change: ProductState) -> PictureOutcome:
    return PictureOutcome(change.product_id, "", "failed", RequestInvalid("the product has no image URL", field="image_urls"))
