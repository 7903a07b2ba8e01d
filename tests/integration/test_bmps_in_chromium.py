"""BMPs are seen as Chromium shows them."""

import base64
from collections.abc import Iterator

import numpy as np
import pytest
from lookalike.domain import Pixels
from lookalike.pictures import decoding
from playwright.sync_api import Page

from tests.e2e import chromium
from tests.made_bmps import HEIGHT, OF_MASKS, OF_RUNS, WIDTH

ON_WHITE = """async url => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
    canvas.fillStyle = "white";
    canvas.fillRect(0, 0, image.naturalWidth, image.naturalHeight);
    canvas.drawImage(image, 0, 0);
    return Array.from(canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight).data);
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium.running() as browser:
        yield browser.new_page()


def _shown(page: Page, content: bytes) -> Pixels:
    values = page.evaluate(ON_WHITE, "data:image/bmp;base64," + base64.b64encode(content).decode())
    return np.array(values, np.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3]


@pytest.mark.parametrize("name", [*OF_MASKS, *OF_RUNS])
def test_a_bmp_is_what_chromium_shows(page: Page, name: str) -> None:
    content = {**OF_MASKS, **OF_RUNS}[name][0]
    differences = np.abs(decoding.decode(content, at_least=(8, 8)).pixels.astype(int) - _shown(page, content))

    assert differences.max() <= 2
