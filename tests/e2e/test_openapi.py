"""The HTTP API against its own description: schemathesis asks everything that the document allows, and much that it does not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from infra.demo.catalogue import CatalogueItem
from infra.local.gateway import Gateway
from infra.local.invocation import Invoke
from tests.e2e import chromium
from tests.e2e.shop_client import ShopClient

API_KEY = "a-key"
EXAMPLES = 15
"""Drawn for each route; the edges of each field's range come on top of them, some 1,400 requests in all."""

# A picture's address that the document allows need not lead to a picture, nor an attribute that is filtered be one that products have: that
# every request of a right form is accepted cannot be asked for. And 503 is an answer that is described: pictures are far away.
CONFIGURATION = """
[checks]
positive_data_acceptance.enabled = false
not_a_server_error.expected-statuses = ["2xx", "4xx", "503"]
"""


@pytest.fixture(scope="module")
def url(shop: ShopClient, invoke: Invoke, items: list[CatalogueItem], eventually: Callable[[Callable[[], bool]], None]) -> Iterator[str]:
    """The system behind a gateway that asks for a key; the products of the document's examples are indexed."""
    for name, item in (("mug-1", items[150]), ("mug-2", items[151])):
        shop.put(f"images/{name}.jpg", item.path.read_bytes(), {"category": "mug", "price": "12"})
    eventually(lambda: bool(shop.documents("mug-1")) and bool(shop.documents("mug-2")))
    with Gateway(invoke, "lookalike-search", api_key=API_KEY) as gateway:
        yield gateway.url


def test_schemathesis_has_no_finding(url: str, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(configuration), "--no-color", "run"]
    command += [f"{url}/openapi.json", "--url", url, "--header", f"x-api-key: {API_KEY}"]
    command += ["--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"]

    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 9" in run.stdout


def test_the_examples_of_the_document_are_answered(url: str) -> None:
    document = requests.get(f"{url}/openapi.json", timeout=30).json()
    examples = document["paths"]["/search"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    bodies = [example["value"] for example in examples.values() if "image_url" not in example["value"]]

    answers = [requests.post(f"{url}/search", json=body, headers={"x-api-key": API_KEY}, timeout=30) for body in bodies]

    assert len(answers) == 2
    assert [answer.status_code for answer in answers] == [200] * len(answers), [answer.text for answer in answers]


@pytest.mark.parametrize("path", ["/search", "/products/mug-1", "/products/mug-1/similar", "/attributes", "/stats"])
def test_without_the_key_nothing_is_told(url: str, path: str) -> None:
    for headers in ({}, {"x-api-key": "another"}):
        answer = requests.get(f"{url}{path}", headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "api_key_refused")


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium.running() as browser:
        yield browser.new_page()


def test_the_page_shows_the_routes_and_tries_them_out_and_loads_nothing_from_elsewhere(page: Page, url: str) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{url}/docs")
    page.locator("#health summary").click()
    page.locator("#health button").click()
    page.locator("#health .result", has_text='"status": "ok"').wait_for()

    assert page.locator("details").count() == 9
    assert page.locator("#about code", has_text='{"gte": 10, "lt": 50}').count() == 1
    assert "`" not in page.locator("body").inner_text()
    assert asked == [f"{url}/docs", f"{url}/openapi.json", f"{url}/health"]
    assert said == []
