"""Do Elasticsearch, the index behind the alias and the models at hand agree?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lookalike.concurrency import run_within
from lookalike.errors import LookalikeError

LIMIT_S = 6.0
"""For each of three questions, which together fit into the time of a request."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a monitor wants to know; ``fault`` says what is wrong, None if nothing is."""

    elasticsearch: str | None
    index: str | None
    model: str | None
    models: Sequence[str]
    fault: str | None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Checks that Elasticsearch answers and that the image has the model that the index needs.

    Args:
        cluster: version and state of Elasticsearch in a few words.
        current: name of the index behind the alias, and the id of its model.
        model_is_loaded: raises if the index's model cannot be had, or is another than the index was filled with.
        models: ids of the models at hand.
    """

    cluster: Callable[[], str]
    current: Callable[[], tuple[str, str]]
    model_is_loaded: Callable[[], object]
    models: Callable[[], Sequence[str]]

    def check(self) -> Health:
        """Asks each in turn and stops at the first fault; never raises a `LookalikeError`."""
        elasticsearch = index = model = fault = None
        try:
            elasticsearch = run_within(LIMIT_S, self.cluster, "Elasticsearch")
            index, model = run_within(LIMIT_S, self.current, "Elasticsearch")
            run_within(LIMIT_S, self.model_is_loaded, "Elasticsearch")
        except LookalikeError as error:
            fault = str(error)
        return Health(elasticsearch, index, model, self.models(), fault)
