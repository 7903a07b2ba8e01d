"""A slice whose point in time is lost is read from its beginning again, and each of its items counts once."""

import pytest
from lookalike.backfill.fan_out import PAGE
from lookalike.backfill.model import IndexSpec, Position, SourcePage, SourceSpec
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, FakeSource

COUNT = 3 * PAGE


def test_each_item_of_a_slice_that_was_begun_again_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = BackfillUseCases(FakeSource(COUNT))
    setup.source.parts = 1
    is_lost = iter([False, True])  # the first page, the second
    read_page = setup.source.page

    def page(spec: SourceSpec, position: Position, size: int) -> SourcePage:
        if next(is_lost, False):
            return SourcePage([], {"from": 0, "to": COUNT}, is_restart=True)
        return read_page(spec, position, size)

    monkeypatch.setattr(setup.source, "page", page)
    backfill_id = setup.fan_out.start(IndexSpec("shop")).backfill_id
    setup.read_all()
    setup.outcomes.record(ItemOutcome(product_id, "indexed", backfill_id, 1) for product_id in setup.queues.sent())

    status = setup.progress.status(backfill_id)
    assert len(setup.queues.sent()) == COUNT + PAGE
    assert (status["state"], status["read"], status["indexed"]) == ("finished", COUNT, COUNT)
