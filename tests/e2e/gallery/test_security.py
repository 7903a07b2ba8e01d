"""What the page loads and runs, and what it does with hostile content."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect

from infra.demo.image_server import ImageServer
from infra.local.running_system import RunningSystem
from tests.e2e.gallery.catalogue import product_id
from tests.e2e.gallery.page import Gallery, OpenGallery

pytestmark = pytest.mark.processes


def test_the_page_loads_nothing_but_pictures_and_the_api(open_gallery: OpenGallery, system: RunningSystem, images: ImageServer) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    gallery.cards.first.wait_for()
    gallery.wait_for_pictures()

    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in gallery.requested if not url.startswith(("data:", "blob:"))}
    assert origins <= {system.search_url, f"http://{images.origin}", system.aws_url}
    paths = {urlsplit(url).path for url in gallery.requested if url.startswith(system.search_url)}
    assert paths - {"/detect", "/stats"} == {"/", "/search", "/attributes", f"/products/{product_id(0)}"}


def test_what_is_not_on_the_page_does_not_run(open_gallery: OpenGallery) -> None:
    gallery = open_gallery()
    policy = requests.get(f"{gallery.url}/", timeout=30).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    gallery.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { type: 'text/plain' }))")
    ran = gallery.page.evaluate(
        """async () => {
            const script = document.createElement('script');
            try { script.textContent = 'window.ran = true'; document.body.append(script); } catch { return 'refused'; }
            return window.ran ?? 'blocked';
        }"""
    )

    assert ran in ("refused", "blocked")
    assert gallery.complaints
    gallery.complaints.clear()


def test_what_comes_from_the_index_stays_text(open_gallery: OpenGallery) -> None:
    bad = '"><img src=x onerror="window.ran=1"><script>window.ran=1</script>'
    hit = {"product_id": f"../{bad}", "image_id": "1", "score": 0.5, "attributes": {"name": bad, bad: [bad, {bad: bad}], "__proto__": bad}}
    urls = ["javascript:window.ran=1", "data:text/html,<script>window.ran=1</script>", bad, ""]
    answer: dict[str, Any] = {
        "hits": [{**hit, "image_url": url} for url in urls],
        "next_cursor": None,
        "model": bad,
        "timings_ms": {},
        "warnings": [{"field": "filter", "message": bad}],
    }
    facets = [{"name": bad, "pictures": 2, "values": [{"value": bad, "pictures": 2}], "least": None, "most": None}]

    def lie(gallery: Gallery) -> None:
        gallery.page.route("**/search", lambda route: route.fulfill(json=answer))
        gallery.page.route("**/attributes", lambda route: route.fulfill(json={"attributes": facets}))
        gallery.page.route("**/products/**", lambda route: route.fulfill(json={**hit, "pictures": answer["hits"]}))

    gallery = open_gallery(prepare=lie)
    gallery.open(f"/?product_id={product_id(0)}")
    expect(gallery.cards).to_have_count(len(urls))
    gallery.cards.first.click()
    expect(gallery.page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    expect(gallery.cards.get_by_text("This picture cannot be shown")).to_have_count(len(urls))

    assert gallery.page.evaluate("window.ran ?? null") is None
    assert gallery.page.evaluate("document.querySelectorAll('main img[src=x], main script').length") == 0
