"""How new a backfill's products are: as their reading, so that what the shop posts meanwhile wins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lookalike.backfill.fan_out import REFRESH_MS
from lookalike.backfill.model import IndexSpec

from tests.fakes import BackfillUseCases, FakeSource


@pytest.mark.parametrize("is_snapshot", [False, True])
def test_products_are_as_old_as_the_page_or_the_snapshot_that_they_were_read_from(
    is_snapshot: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for hours, and the shop posts newer ones meanwhile."""
    setup = BackfillUseCases(FakeSource(3))
    begun, read = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    page = setup.source.page
    monkeypatch.setattr(setup.source, "page", lambda *given: replace(page(*given), is_snapshot=is_snapshot))
    setup.make_fan_out(now=lambda: begun).start(IndexSpec("shop"))
    fan_out = setup.make_fan_out(now=lambda: read)
    while setup.queues.slices:
        fan_out.read_slice(*setup.queues.slices.pop())

    true_at = begun if is_snapshot else read - timedelta(milliseconds=REFRESH_MS)
    assert {message.as_of for message, _ in setup.queues.products} == {round(true_at.timestamp() * 1000)}
