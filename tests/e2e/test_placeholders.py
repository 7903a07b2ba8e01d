"""A picture that stands for none, from the report that names it to searches that leave it out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from lookalike.errors import NotFound
from lookalike.search.query_vectors import ByContent, ByProduct
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query
from lookalike.settings import Settings
from lookalike.wiring.search import SearchWiring

from infra.local.invocation import Invoke, command
from infra.local.running_system import RunningSystem
from tests.e2e.conftest import MODEL
from tests.e2e.shop_client import ShopClient
from tests.made_pictures import file_of, photograph

pytestmark = pytest.mark.processes

PLACEHOLDER = file_of(photograph(seed=4711), "PNG")
QUERY = Query(ByContent(PLACEHOLDER), SearchOptions(size=100))

Search = Callable[[frozenset[str]], SearchWiring]


@pytest.fixture
def wiring(system: RunningSystem, monkeypatch: pytest.MonkeyPatch) -> Search:
    """The search function's parts in this process, with placeholders."""
    for name, value in {"AWS_ENDPOINT_URL": system.aws_url, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings(system.elasticsearch_url, alias=system.alias, models=Path("build/models"), model=MODEL)
    return lambda hashes: SearchWiring(replace(settings, placeholder_hashes=hashes))


def test_the_report_names_a_placeholder_and_searches_leave_it_out(
    wiring: Search, shop: ShopClient, invoke: Invoke, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    products = {f"without-{uuid4().hex[:8]}" for _ in range(3)}
    for product in products:
        shop.put(f"images/{product}.png", PLACEHOLDER)
    eventually(lambda: all(shop.documents(product) for product in products))

    shared = command(invoke, {"action": "report", "size": 100})["pictures"]
    [named] = [each for each in shared if any(f"/{product}.png" in each["image_url"] for product in products)]
    before = wiring(frozenset()).search.search(QUERY)
    search = wiring(frozenset({named["perceptual_hash"]})).search

    assert (named["products"], named["files"], named["is_left_out"]) == (3, 1, False)
    assert products <= {hit.product_id for hit in before.hits}
    assert not products & {hit.product_id for hit in search.search(QUERY).hits}
    with pytest.raises(NotFound, match="no picture but placeholders"):
        search.search(Query(ByProduct(products.pop())))
