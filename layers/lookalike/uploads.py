"""Objects of the bucket that may have changed: index them as they are now, and remember the bad ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lookalike.errors import Unavailable
from lookalike.indexing import Outcome
from lookalike.products import Outcomes, ProductOutcome


class Indexing(Protocol):
    """What of `lookalike.indexing.Indexing` is needed here."""

    def mirror(self, objects: Mapping[str, str]) -> Iterator[Outcome]:
        """As there."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Outcomes, and the addresses of objects that are not done and must be looked at again."""

    outcomes: Sequence[Outcome]
    unsettled: frozenset[str]


class Uploads:
    """The use case behind the uploads queue."""

    def __init__(self, indexing: Indexing, outcomes: Outcomes) -> None:
        self._indexing = indexing
        self._outcomes = outcomes

    def mirror(self, objects: Mapping[str, str]) -> Mirrored:
        """Makes the index hold what the bucket holds now.

        Args:
            objects: s3 address -> product id.

        Raises:
            Misconfigured: nothing can be done until that is mended.
        """
        try:
            outcomes = list(self._indexing.mirror(objects))
            settled = [outcome for outcome in outcomes if outcome.error is None or outcome.error.ending == "drop"]
            self._outcomes.record(_remembered(outcome) for outcome in settled)
        except Unavailable:
            return Mirrored([], frozenset(objects))
        return Mirrored(outcomes, frozenset(objects) - {outcome.image_url for outcome in settled})


def _remembered(outcome: Outcome) -> ProductOutcome:
    return ProductOutcome(
        outcome.product_id,
        outcome.state,
        origin="upload",
        image_url=outcome.image_url,
        code=outcome.error.code if outcome.error else None,
        reason=str(outcome.error) if outcome.error else None,
    )
