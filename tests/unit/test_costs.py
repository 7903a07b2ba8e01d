"""The page of costs shows what its command computes."""

from infra import costs
from tests.unit.sam_template import ROOT


def test_the_page_has_the_tables_that_the_command_prints() -> None:
    assert costs.page() in (ROOT / "infra" / "costs.md").read_text()
