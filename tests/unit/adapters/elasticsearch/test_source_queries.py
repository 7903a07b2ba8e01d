"""Query bodies for reading a backfill's source."""

from dataclasses import replace
from typing import Any, cast

import pytest
from lookalike.adapters.elasticsearch import source_queries as queries
from lookalike.backfill.model import DateUnit, IndexSpec


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_run_that_was_begun_when_units_had_other_names_is_read_on(unit: str) -> None:
    spec = IndexSpec("shop", updated_at="changed", since="2026-01-01T00:00:00+00:00", updated_unit="number")
    before: Any = replace(spec, updated_unit=cast(DateUnit, unit))

    assert queries.query(before) == queries.query(spec)
