"""The HTTP API: the things in a picture, and searching by the one that stands out most."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Pixels, Vectors
from lookalike.search.ports import SearchTarget
from PIL import Image

from tests.fakes import MODEL, FakeEmbedder, FakeIndex, picture
from tests.unit.functions.search_function import SearchFunction, in_base64
from tests.unit.functions.test_search_query_inputs import FORM, _form

THING = {"left": 0.5, "top": 0.0, "right": 1.0, "bottom": 1.0}


class NoWhite(FakeEmbedder):
    """Saliency of a kind: what is not white stands out."""

    model = replace(MODEL, id="no-white", input_size=(20, 10), dimensions=200, interpolation="nearest")

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        return (np.asarray(pixels) < 250).any(axis=3).reshape(len(pixels), -1).astype(np.float32)


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction(saliency=NoWhite())


@pytest.fixture
def product_on_white() -> bytes:
    """The picture of a product in the right half of a white one."""
    return png(Image.open(BytesIO(picture(3))), (32, 0))


def png(thing: Image.Image, place: tuple[int, int]) -> bytes:
    whole = Image.new("RGB", (64, 32), "white")
    whole.paste(thing, place)
    buffer = BytesIO()
    whole.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_things_in_a_picture_are_told_however_it_is_sent(api: SearchFunction, product_on_white: bytes) -> None:
    api.fetcher.files["https://a/white.png"] = product_on_white
    answers = [
        api.detect(image_url="https://a/white.png"),
        api.post_to_detect({"image_url": "https://a/white.png"}),
        api.post_to_detect({"image": in_base64(product_on_white)}),
        api.post_to_detect(product_on_white, kind="image/png", is_base64=True),
        api.post_to_detect(_form(('name="image"; filename="a.png"', product_on_white)), kind=FORM, is_base64=True),
    ]

    assert [(answer.status, answer.body["model"]) for answer in answers] == [(200, "no-white")] * 5
    [box] = answers[0].body["boxes"]
    assert box == {"crop": pytest.approx(THING, abs=0.03), "score": 1.0}
    assert [answer.body for answer in answers[1:]] == [answers[0].body] * 4


def test_a_box_is_the_crop_of_a_search(api: SearchFunction, product_on_white: bytes) -> None:
    crop = api.post_to_detect({"image": in_base64(product_on_white)}).body["boxes"][0]["crop"]

    assert api.post({"image": in_base64(product_on_white), "crop": crop}).body["crops"] == [crop]


def test_where_nothing_stands_out_it_is_the_whole_picture(api: SearchFunction) -> None:
    plain = png(Image.new("RGB", (1, 1), "white"), (0, 0))

    assert api.post_to_detect(plain, kind="image/png", is_base64=True).body["boxes"] == [
        {"crop": {"left": 0.0, "top": 0.0, "right": 1.0, "bottom": 1.0}, "score": 0.0}
    ]
    assert api.post_picture(plain, crop="auto").body["crops"] == [None]


def test_crop_auto_searches_by_the_thing_and_tells_the_crop(api: SearchFunction, product_on_white: bytes) -> None:
    api.fetcher.files["https://a/white.png"] = product_on_white
    answers = [
        api.get(image_url="https://a/white.png", crop="auto"),
        api.post({"image": in_base64(product_on_white), "crop": "auto"}),
        api.post_picture(product_on_white, crop="auto"),
        api.post({"images": [{"image_url": "https://a/white.png", "crop": "auto"}, {"product_id": "p-7", "weight": 0.01}]}),
    ]
    crop = api.detect(image_url="https://a/white.png").body["boxes"][0]["crop"]

    assert [answer.body["crops"] for answer in answers] == [[crop]] * 3 + [[crop, None]]
    assert api.post({"image": in_base64(product_on_white), "crop": crop}).products == answers[0].products
    assert api.post({"cursor": answers[0].body["next_cursor"]}).body["crops"] == []


@pytest.mark.parametrize("body", [{}, {"image_url": "https://a/7.jpg", "image": "AAAA"}, {"image_url": "https://a/7.jpg", "size": 3}])
def test_a_request_that_names_no_picture_or_more_is_a_400(body: dict[str, str], api: SearchFunction) -> None:
    assert api.post_to_detect(body).refused[:2] == (400, "request_invalid")


def test_a_picture_that_is_none_or_is_not_there_is_a_422(api: SearchFunction) -> None:
    assert api.post_to_detect(b"no picture", kind="image/png", is_base64=True).refused[:2] == (422, "picture_unusable")
    assert api.detect(image_url="https://a/missing.jpg").refused[:2] == (422, "picture_unreachable")


def test_without_the_network_both_say_how_it_can_be_had() -> None:
    api = SearchFunction()

    for answer in (api.detect(image_url="https://a/7.jpg"), api.get(image_url="https://a/7.jpg", crop="auto")):
        assert answer.refused[:2] == (400, "request_invalid")
        assert "SaliencyModel" in answer.error["message"]


def test_the_index_that_is_being_filled_can_be_searched_to_compare_it(api: SearchFunction) -> None:
    api.next = SearchTarget(FakeIndex(), FakeEmbedder())

    assert api.post({"image_url": "https://a/7.jpg", "index": "next"}).products == []
    assert api.get(image_url="https://a/7.jpg", index="current", size="1").products == ["p-7"]


def test_a_page_of_the_index_that_is_being_filled_leads_to_the_next_one_of_it(api: SearchFunction) -> None:
    api.next = SearchTarget(api.index, api.embedder)
    first = api.similar("p-3", index="next", size="3")
    assert len(api.post({"cursor": first.body["next_cursor"]}).products) == 3
    api.next = None

    assert api.post({"cursor": first.body["next_cursor"]}).refused == (400, "request_invalid", "index")


@pytest.mark.parametrize("name", ["lookalike-fake-1", "*", ".security", "next,current"])
def test_no_other_index_can_be_named(name: str, api: SearchFunction) -> None:
    assert api.get(image_url="https://a/7.jpg", index=name).refused == (400, "request_invalid", "index")


def test_without_an_index_that_is_being_filled_to_ask_for_it_is_a_400(api: SearchFunction) -> None:
    assert api.get(image_url="https://a/7.jpg", index="next").refused == (400, "request_invalid", "index")
