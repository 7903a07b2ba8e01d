"""Searching: as many hits as were asked for, the best first, and no network pass for what is known."""

import pytest
from lookalike.domain import Product
from lookalike.errors import NotFound, PictureUnusable
from lookalike.indexing import Indexing
from lookalike.indexing import Target as Written
from lookalike.searching import ByContent, ByProduct, ByUrl, Query, Searching, Target

from tests.fakes import FakeEmbedder, FakeIndex, FakePictures, picture


class Shop:
    """Thirty products: the first has fifty pictures, the others one each."""

    def __init__(self) -> None:
        self.index, self.embedder = FakeIndex(), FakeEmbedder()
        self.pictures = FakePictures({f"http://a/{n}": picture(n) for n in range(80)})
        many = Product("many", tuple(f"http://a/{n}" for n in range(50)))
        ones = [Product(f"p-{n}", (f"http://a/{n}",)) for n in range(50, 79)]
        list(Indexing(lambda: [Written(self.index, self.embedder)], self.pictures).put([many, *ones]))
        self.searching = Searching(lambda: Target(self.index, self.embedder), self.pictures, lambda url: f"{url}?signed")
        self.embedder.embedded = 0


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_as_many_products_come_back_as_were_asked_for_though_one_has_most_pictures(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByUrl("http://a/3"), size=20))

    assert len({hit.product_id for hit in answer.hits}) == 20
    assert answer.hits[0].product_id == "many"
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)


def test_knn_and_exact_agree(shop: Shop) -> None:
    content = picture(79)
    found, exact = (shop.searching.search(Query(ByContent(content), size=30, exact=exact)) for exact in (False, True))

    assert list(found.hits) == list(exact.hits)


def test_known_bytes_are_searched_without_the_network(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByContent(picture(60)), size=1))

    assert (answer.hits[0].product_id, answer.hits[0].score) == ("p-60", 1.0)
    assert shop.embedder.embedded == 0
    shop.searching.search(Query(ByContent(picture(79))))
    assert shop.embedder.embedded == 1


def test_a_product_is_left_out_of_its_own_look_alikes_unless_asked_for(shop: Shop) -> None:
    without = shop.searching.search(Query(ByProduct("many"), size=30))
    including = shop.searching.search(Query(ByProduct("many", include_self=True), size=30))

    assert "many" not in {hit.product_id for hit in without.hits}
    assert including.hits[0].product_id == "many"
    assert len(without.hits) == 29


def test_hits_below_the_least_score_are_left_out(shop: Shop) -> None:
    every = shop.searching.search(Query(ByUrl("http://a/60"), size=30)).hits
    least = every[4].score

    assert len(shop.searching.search(Query(ByUrl("http://a/60"), size=30, min_score=least)).hits) == 5


def test_addresses_are_made_openable_and_stages_are_timed(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByUrl("http://a/60"), size=1))

    assert answer.hits[0].image_url == "http://a/60?signed"
    assert set(answer.timings_ms) == {"fetch", "decode", "embed", "search"}


def test_an_unknown_product_and_a_bad_picture_are_told(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.searching.search(Query(ByProduct("nobody")))
    with pytest.raises(PictureUnusable):
        shop.searching.search(Query(ByContent(b"no picture")))
