"""Searching: as many hits as were asked for, the best first, and no network pass for what is known."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Product
from lookalike.errors import NotFound, PictureUnusable, RequestInvalid
from lookalike.indexing import Indexing
from lookalike.indexing import Target as Written
from lookalike.ranking import Per, Wanted, key
from lookalike.searching import MAX_SEEN, Answer, Query, Searching, Target
from lookalike.subjects import Blend, ByContent, ByProduct, ByUrl, Sought, Subject
from PIL import Image, ImageFilter, ImageOps

from tests.fakes import FakeEmbedder, FakeIndex, FakePictures, picture


class Shop:
    """Thirty products: the first has fifty pictures, the others one each."""

    def __init__(self) -> None:
        self.index, self.embedder = FakeIndex(), FakeEmbedder()
        self.pictures = FakePictures({f"http://a/{n}": picture(n) for n in range(80)})
        many = Product("many", tuple(f"http://a/{n}" for n in range(50)))
        ones = [Product(f"p-{n}", (f"http://a/{n}",)) for n in range(50, 79)]
        self.indexing = Indexing(lambda: [Written(self.index, self.embedder)], self.pictures)
        list(self.indexing.put([many, *ones]))
        self.searching = Searching(lambda: Target(self.index, self.embedder), self.pictures, lambda url: f"{url}?signed")
        self.embedder.embedded = 0


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_as_many_products_come_back_as_were_asked_for_though_one_has_most_pictures(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByUrl("http://a/3"), Wanted(size=20)))

    assert len({hit.product_id for hit in answer.hits}) == 20
    assert answer.hits[0].product_id == "many"
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)


def test_knn_and_exact_agree(shop: Shop) -> None:
    content = picture(79)
    found, exact = (shop.searching.search(Query(ByContent(content), Wanted(size=30, exact=exact))) for exact in (False, True))

    assert list(found.hits) == list(exact.hits)


def test_known_bytes_are_searched_without_the_network(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByContent(picture(60)), Wanted(size=1)))

    assert (answer.hits[0].product_id, answer.hits[0].score) == ("p-60", 1.0)
    assert shop.embedder.embedded == 0
    shop.searching.search(Query(ByContent(picture(79))))
    assert shop.embedder.embedded == 1


def test_a_product_is_left_out_of_its_own_look_alikes_unless_asked_for(shop: Shop) -> None:
    without = shop.searching.search(Query(ByProduct("many"), Wanted(size=30)))
    including = shop.searching.search(Query(ByProduct("many", include_self=True), Wanted(size=30)))

    assert "many" not in {hit.product_id for hit in without.hits}
    assert including.hits[0].product_id == "many"
    assert len(without.hits) == 29


def test_hits_below_the_least_score_are_left_out(shop: Shop) -> None:
    every = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=30))).hits
    least = every[4].score

    assert len(shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=30, min_score=least))).hits) == 5


def test_addresses_are_made_openable_and_stages_are_timed(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=1)))

    assert answer.hits[0].image_url == "http://a/60?signed"
    assert set(answer.timings_ms) == {"fetch", "decode", "embed", "search"}


def test_an_unknown_product_and_a_bad_picture_are_told(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.searching.search(Query(ByProduct("nobody")))
    with pytest.raises(PictureUnusable):
        shop.searching.search(Query(ByContent(b"no picture")))


def _products(answer: Answer) -> list[str]:
    return [hit.product_id for hit in answer.hits]


def test_every_picture_is_a_hit_where_pictures_are_asked_for(shop: Shop) -> None:
    answer = shop.searching.search(Query(ByProduct("many", include_self=True), Wanted(size=100, per="image")))

    assert len({hit.image_id for hit in answer.hits}) == 79
    assert _products(answer).count("many") == 50


def test_a_copy_is_told_from_what_only_looks_alike(shop: Shop) -> None:
    """The copy is another file, of another size; its network's vector is near that of the picture, and of others."""
    smooth = Image.effect_noise((64, 64), 90).filter(ImageFilter.GaussianBlur(6))
    for name, image in (("original", smooth), ("twin", smooth.resize((200, 200))), ("mirrored", ImageOps.mirror(smooth))):
        shop.pictures.files[f"http://a/{name}"] = _png(image)
        list(shop.indexing.put([Product(name, (f"http://a/{name}",))]))

    copies = shop.searching.search(Query(ByUrl("http://a/original"), Wanted(near_duplicates=True)))
    others = shop.searching.search(Query(ByProduct("p-60"), Wanted(near_duplicates=True)))

    assert set(_products(copies)) == {"original", "twin"}
    assert copies.next is None
    assert _products(others) == []


def test_diverse_hits_are_some_of_the_nearest_in_the_order_of_their_scores(shop: Shop) -> None:
    every = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=30)))
    diverse = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=5, diversity=0.9)))

    assert len(diverse.hits) == 5
    assert diverse.hits[0].product_id == "p-60"
    assert _products(diverse) != _products(every)[:5]
    assert [hit.score for hit in diverse.hits] == sorted((hit.score for hit in diverse.hits), reverse=True)


@pytest.mark.parametrize("per", ["product", "image"])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    "subject",
    [
        ByUrl("http://a/60"),
        ByContent(picture(79)),
        ByProduct("many"),
        ByProduct("p-60", include_self=True),
        Blend(((ByUrl("http://a/60"), 1.0), (ByProduct("p-61"), 0.5))),
        Blend(((ByUrl("http://a/60"), 1.0), (ByProduct("p-61"), -0.5))),
    ],
    ids=lambda subject: type(subject).__name__,
)
def test_pages_hold_what_one_large_page_does_and_need_no_second_download_or_embedding(
    shop: Shop, subject: Subject, exact: bool, per: Per
) -> None:
    wanted = Wanted(size=100, exact=exact, per=per)
    whole = shop.searching.search(Query(subject, wanted))
    page = shop.searching.search(Query(subject, replace(wanted, size=7)))
    shop.pictures.files.clear()
    shop.embedder.embedded = 0

    hits = list(page.hits)
    while page.next:
        page = shop.searching.search(page.next)
        hits += page.hits

    assert [key(hit, per) for hit in hits] == [key(hit, per) for hit in whole.hits]
    assert whole.next is None
    assert shop.embedder.embedded == 0


def test_a_page_after_diverse_hits_shows_what_they_left_out(shop: Shop) -> None:
    page = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=5, diversity=0.9)))
    assert page.next
    rest = shop.searching.search(replace(page.next, wanted=replace(page.next.wanted, size=100)))

    assert set(_products(page)).isdisjoint(_products(rest))
    assert len(page.hits) + len(rest.hits) == 30


def test_there_is_no_page_after_the_last_hit_that_is_good_enough(shop: Shop) -> None:
    every = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=30))).hits
    least = every[4].score

    assert shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=4, min_score=least))).next
    assert shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=5, min_score=least))).next is None


def test_paging_ends_where_too_much_was_seen(shop: Shop) -> None:
    seen = frozenset(f"other-{n}" for n in range(MAX_SEEN - 5))

    assert shop.searching.search(Query(ByProduct("many"), Wanted(size=4, seen=seen))).next
    assert shop.searching.search(Query(ByProduct("many"), Wanted(size=5, seen=seen))).next is None


def test_a_vector_of_another_model_is_refused(shop: Shop) -> None:
    page = shop.searching.search(Query(ByUrl("http://a/60"), Wanted(size=5)))
    assert page.next
    for wrong in (replace(page.next, model="other"), replace(page.next, subject=Sought((np.zeros(3, np.float32),)))):
        with pytest.raises(RequestInvalid, match="another model"):
            shop.searching.search(wrong)


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
