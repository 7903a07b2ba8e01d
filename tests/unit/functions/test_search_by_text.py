"""The HTTP API: words as the subject of a search, alone and in a blend."""

import pytest
from lookalike.errors import RequestInvalid

from tests.unit.functions.search_function import SearchFunction


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def test_words_are_searched_by_alone_from_page_to_page(api: SearchFunction) -> None:
    found = api.post({"text": "a red hat", "size": 3})
    more = api.post({"cursor": found.body["next_cursor"]})

    assert (len(found.products), len(set(found.products) | set(more.products))) == (3, 6)
    assert api.get(text="a red hat", size="3").products == found.products
    assert api.post({"text": "something else", "size": 3}).products != found.products


def test_words_blend_with_a_product_and_push_away_with_a_negative_weight(api: SearchFunction) -> None:
    alone = api.post({"images": [{"product_id": "p-7"}]}).products
    towards = api.post({"images": [{"product_id": "p-7"}, {"text": "with flowers"}]}).products
    away = api.post({"images": [{"product_id": "p-7"}, {"text": "with flowers", "weight": -0.5}]}).products

    assert len({tuple(alone), tuple(towards), tuple(away)}) == 3
    assert "p-7" not in towards + away


def test_a_model_without_a_text_encoder_is_a_400_that_says_so(api: SearchFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise RequestInvalid("the model 'fake' has no text encoder", field="text")

    monkeypatch.setattr(api.embedder, "embed_text", refuse)

    assert api.post({"text": "a red hat"}).refused == (400, "request_invalid", "text")
    assert api.post({"images": [{"product_id": "p-7"}, {"text": "red"}]}).refused == (400, "request_invalid", "text")


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 1001}, "text"),
        ({"text": "hat", "product_id": "p-7"}, "text"),
        ({"text": "hat", "crop": {"left": 0, "top": 0, "right": 1, "bottom": 1}}, "crop"),
        ({"text": "hat", "near_duplicates": True}, "near_duplicates"),
        ({"text": "hat", "include_self": True}, "include_self"),
    ],
)
def test_what_words_cannot_go_with_is_refused(api: SearchFunction, request_body: dict[str, object], field: str) -> None:
    assert api.post(request_body).refused == (400, "request_invalid", field)
