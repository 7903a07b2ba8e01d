"""The health check: whether Elasticsearch answers, and the container image has the model of the index that is searched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lookalike.concurrency import run_within
from lookalike.errors import LookalikeError

LIMIT_S = 6.0
"""The time limit of each of three checks, which together fit into the time of a request."""


@dataclass(frozen=True, slots=True)
class Health:
    """The result of a health check.

    Args:
        elasticsearch: version and status of the cluster.
        index: the index behind the alias.
        model: the id of its model.
        models: ids of the models in the container image.
        fault: what is wrong, None if nothing is; the fields of later checks are None then.
    """

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
        model_is_loaded: raises if the index's model is missing, or has other weights than the index was filled with.
        models: ids of the models in the container image.
    """

    cluster: Callable[[], str]
    current: Callable[[], tuple[str, str]]
    model_is_loaded: Callable[[], object]
    models: Callable[[], Sequence[str]]

    def check(self) -> Health:
        """Runs the checks in turn and stops at the first fault; never raises a `LookalikeError`."""
        elasticsearch = index = model = fault = None
        try:
            elasticsearch = run_within(LIMIT_S, self.cluster, "Elasticsearch")
            index, model = run_within(LIMIT_S, self.current, "Elasticsearch")
            run_within(LIMIT_S, self.model_is_loaded, "Elasticsearch")
        except LookalikeError as error:
            fault = str(error)
        return Health(elasticsearch, index, model, self.models(), fault)
