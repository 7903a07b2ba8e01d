"""`make smoke`, the check of a deployed stack, on the system at hand: it passes, and leaves nothing behind."""

import pytest

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local.running_system import RunningSystem
from tests.e2e.shop_client import ShopClient
from tests.smoke.__main__ import run
from tests.smoke.stack import Stack


def test_the_smoke_test_passes_and_cleans_up(
    system: RunningSystem,
    shop: ShopClient,
    images: ImageServer,
    items: list[CatalogueItem],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    for name, value in system.client_environment.items():
        monkeypatch.setenv(name, value)

    has_gateway_responses = request.config.getoption("--system") != "sam"
    stack = Stack(system.search_url, "", system.bucket, "lookalike", has_gateway_responses)

    assert run(stack, images.url(items[0].path.name)) == []
    assert shop.s3.list_objects_v2(Bucket=system.bucket, Prefix="images/smoke-")["KeyCount"] == 0
