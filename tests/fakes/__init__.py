"""Hand-written stand-ins for the outside; each passes the contract tests of the adapter that it stands for."""

from tests.fakes.backfill import FakeBackfillStore, FakeIndices, FakeOutcomeStore, FakeSource
from tests.fakes.index import MODEL, FakeEmbedder, FakeFetcher, FakeIndex, passes, picture
from tests.fakes.queues import Clock, FakeDeadLetterQueues, FakeDeadLetterStore, FakeProductStates, FakeQueues
from tests.fakes.use_cases import BackfillUseCases

__all__ = [
    "MODEL",
    "BackfillUseCases",
    "Clock",
    "FakeBackfillStore",
    "FakeDeadLetterQueues",
    "FakeDeadLetterStore",
    "FakeEmbedder",
    "FakeFetcher",
    "FakeIndex",
    "FakeIndices",
    "FakeOutcomeStore",
    "FakeProductStates",
    "FakeQueues",
    "FakeSource",
    "passes",
    "picture",
]
