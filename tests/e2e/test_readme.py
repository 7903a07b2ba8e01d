"""The examples of the documentation, run as they are printed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local.running_system import RunningSystem
from tests.e2e.documented_examples import EXAMPLES
from tests.e2e.shop_client import ShopClient

RUN = [example for example in EXAMPLES if '"into"' not in example]  # tests/e2e/test_new_model.py runs that one


@pytest.fixture(scope="module")
def workplace(
    shop: ShopClient,
    elasticsearch: Elasticsearch,
    images: ImageServer,
    items: list[CatalogueItem],
    eventually: Callable[[Callable[[], bool]], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with ``picture.jpg``, beside an indexed cup and an index of products."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(items[150].path, folder / "picture.jpg")
    shop.put("images/cup-1.jpg", items[150].path.read_bytes(), {"category": "cup", "price": "12"})
    document = {"id": "cup-2", "image_url": images.url(items[151].path.name), "category": "cup", "price": 9}
    elasticsearch.index(index="demo-products", document=document, refresh="wait_for")
    eventually(lambda: bool(shop.documents("cup-1")))
    return folder


@pytest.mark.parametrize("example", RUN, ids=[re.sub(r"\W+", "-", example[:24]) for example in RUN])
def test_a_documented_example_runs_as_printed(
    example: str, workplace: Path, system: RunningSystem, images: ImageServer, items: list[CatalogueItem]
) -> None:
    environment = {
        **os.environ,
        **system.client_environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PRODUCT_ID": "cup-1",
        "PICTURE_URL": images.url(items[150].path.name),
    }
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example], cwd=workplace, env=environment, capture_output=True, text=True, timeout=120
    )

    assert run.returncode == 0, run.stderr
    assert '"error"' not in run.stdout, run.stdout
    if "page[" in example:
        assert "cup-1" in run.stdout
    if "curl" in example:
        answers = [json.loads(line) for line in run.stdout.replace("}{", "}\n{").splitlines()]
        assert len(answers) == example.count("curl ") - example.count("curl -so ")
