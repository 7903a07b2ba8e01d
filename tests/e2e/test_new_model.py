"""The change from one model to another, as the documentation describes it, with no gap in search and nothing lost on the way."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from elasticsearch import Elasticsearch, helpers

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local import aws, invocation
from infra.local.system import LocalSystem
from layers.models import export
from tests.e2e.conftest import MODEL
from tests.e2e.documented_examples import EXAMPLES
from tests.e2e.shop_client import ShopClient

NEW_MODEL = "efficientnet_lite2"
COUNT = 60

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def two_models(
    request: pytest.FixtureRequest, elasticsearch_url: str, images: ImageServer, tmp_path: Path
) -> Iterator[tuple[LocalSystem, ShopClient]]:
    """A system of its own, whose image holds both models: the alias that moves is nobody else's."""
    if request.config.getoption("--system") == "sam":
        pytest.skip("the image under sam local holds one model")
    models = Path("build/models")
    for model in (MODEL, NEW_MODEL):
        export.ensure(model, models, print)
    data = Path(tempfile.mkdtemp(prefix="lookalike-two-models-"))
    try:
        with LocalSystem(
            MODEL,
            models,
            data,
            alias="change",
            elasticsearch_url=elasticsearch_url,
            private_image_origins=[images.origin],
            visibility_timeout_s=5,
        ) as system:
            client = Elasticsearch(system.elasticsearch_url, request_timeout=60)
            yield system, ShopClient(system, aws.session().client("s3", endpoint_url=system.aws_url), client)
            client.indices.delete(index=[*client.indices.get(index="change-*"), "change-shop"], ignore_unavailable=True)
    finally:
        shutil.rmtree(data, ignore_errors=True)


class ContinuousSearch:
    """Somebody who searches all the time; ``answers`` are status and model, or what was raised."""

    def __init__(self, shop: ShopClient, picture: bytes) -> None:
        self._shop, self._picture = shop, picture
        self._stop = Event()
        self._thread = Thread(target=self._search)
        self.answers: list[tuple[int, str, int]] = []

    def __enter__(self) -> "ContinuousSearch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _search(self) -> None:
        while not self._stop.wait(0.1):
            answer = self._shop.search_by_upload(self._picture, size=5)
            body = answer.json()
            self.answers.append((answer.status_code, body.get("model", ""), len(body.get("hits", ()))))


def _run(example: str, folder: Path, system: LocalSystem) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **system.client_environment, "PATH": path}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example], cwd=folder, env=environment, capture_output=True, text=True, timeout=180
    )
    assert run.returncode == 0, run.stderr + run.stdout
    return run.stdout


def _upload(shop: ShopClient, items: list[CatalogueItem]) -> None:
    for number, item in enumerate(items):
        shop.put(f"images/meanwhile-{number}.jpg", item.path.read_bytes())


def _fill_with_the_old_model(shop: ShopClient, invoke: invocation.Invoke, images: ImageServer, items: list[CatalogueItem]) -> str:
    """Starts a backfill of a shop's index and uploads one picture; returns the backfill's id."""
    documents = ({"_index": "change-shop", "image_url": images.url(items[n].path.name), "number": n} for n in range(COUNT))
    helpers.bulk(shop.elasticsearch, documents, refresh="wait_for")
    shop.put("images/uploaded.jpg", items[COUNT].path.read_bytes(), {"colour": "red"})
    return str(invoke("lookalike-backfill", {"action": "start", "source": {"index": "change-shop"}})["backfill_id"])


def _is_finished(invoke: invocation.Invoke, backfill_id: str) -> bool:
    return bool(invoke("lookalike-backfill", {"action": "status", "backfill_id": backfill_id})["state"] == "finished")


def test_a_new_model_takes_over_without_a_gap_in_search(
    two_models: tuple[LocalSystem, ShopClient], images: ImageServer, items: list[CatalogueItem], eventually: Eventually, tmp_path: Path
) -> None:
    system, shop = two_models
    client = shop.elasticsearch
    invoke = invocation.through(invocation.client(system.lambda_url))
    first = _fill_with_the_old_model(shop, invoke, images, items)
    eventually(lambda: _is_finished(invoke, first) and bool(shop.documents("uploaded")))
    [old] = client.indices.get_alias(name="change")
    [script] = [example for example in EXAMPLES if example.startswith("cat > backfill <<")]
    [new_model] = [example for example in EXAMPLES if '"into"' in example]
    _run(script, tmp_path, system)

    with ContinuousSearch(shop, items[3].path.read_bytes()) as searches:
        writing = Thread(target=_upload, args=(shop, items[70:80]))
        writing.start()
        _run(new_model, tmp_path, system)
        writing.join()
        new = f"change-{NEW_MODEL}-1"
        eventually(lambda: searches.answers[-1][1] == NEW_MODEL)
        eventually(lambda: all(shop.documents(f"meanwhile-{n}") for n in range(10)))

    assert {(code, hits) for code, _, hits in searches.answers} == {(200, 5)}
    assert {model for _, model, _ in searches.answers} == {MODEL, NEW_MODEL}
    assert list(client.indices.get_alias(name="change")) == [new]
    assert client.indices.exists(index=old)
    client.indices.refresh(index="change")
    assert client.count(index="change")["count"] == COUNT + 1 + 10
    [uploaded] = shop.documents("uploaded")
    assert (uploaded["attributes"], uploaded["origin"]) == ({"colour": "red"}, "upload")
    shop.put("images/after.jpg", items[90].path.read_bytes())
    eventually(lambda: bool(shop.documents("after")))
