"""The uploads queue: brings the index to the current state of objects that may have changed, and records bad ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from lookalike.errors import Misconfigured, TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.outcomes import BatchResult, ItemOutcome, OutcomeRecorder, PictureOutcome


@dataclass(frozen=True, slots=True)
class Uploads:
    """Syncs the objects that messages of the uploads queue name."""

    indexer: Indexer
    outcomes: OutcomeRecorder

    def sync(self, objects: Mapping[str, str], stop_at: float = inf) -> BatchResult:
        """Brings the index to the current state of objects.

        Args:
            objects: product ids by ``s3://`` URL.
            stop_at: the time, by `time.monotonic`, after which no picture is started.

        Returns:
            The outcomes, and as ``returned`` the URLs of objects whose messages must be redelivered.
        """
        result = BatchResult()
        try:
            outcomes = list(self.indexer.sync(objects, stop_at=stop_at))
            self.outcomes.record(_item_outcome(outcome) for outcome in outcomes if _is_settled(outcome))
        except (TransientError, Misconfigured) as error:
            result.give_back(objects, error)
            return result
        result.outcomes = outcomes
        for outcome in outcomes:
            if outcome.error is not None and not _is_settled(outcome):
                result.give_back([outcome.image_url], outcome.error)
        return result


def _is_settled(outcome: PictureOutcome) -> bool:
    return outcome.error is None or outcome.error.ending == "drop"


def _item_outcome(outcome: PictureOutcome) -> ItemOutcome:
    return ItemOutcome(
        outcome.product_id,
        outcome.state,
        origin="upload",
        image_url=outcome.image_url,
        code=outcome.error.code if outcome.error else None,
        reason=str(outcome.error) if outcome.error else None,
    )
