"""Search: as many hits as were asked for, the best first, and no embedding of what is indexed already."""

from dataclasses import replace
from io import BytesIO
from threading import Event

import numpy as np
import pytest
from lookalike.domain import Crop, Product
from lookalike.errors import NotFound, PictureUnusable, RequestInvalid
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget
from lookalike.pictures import decoding
from lookalike.search.ports import Per, SearchTarget, key
from lookalike.search.query_vectors import ByContent, ByProduct, ByUrl, QueryInput, QueryVectors, WeightedExamples
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import MAX_SEEN, Query, Search, SearchResult
from PIL import Image, ImageFilter, ImageOps

from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, picture


class SearchSetup:
    """Thirty products: the first has fifty pictures, the others one each."""

    def __init__(self) -> None:
        self.index, self.embedder = FakeIndex(), FakeEmbedder()
        self.fetcher = FakeFetcher({f"http://a/{n}": picture(n) for n in range(80)})
        many = Product("many", tuple(f"http://a/{n}" for n in range(50)))
        ones = [Product(f"p-{n}", (f"http://a/{n}",)) for n in range(50, 79)]
        self.indexer = Indexer(lambda: [WriteTarget(self.index, self.embedder)], self.fetcher)
        list(self.indexer.put([many, *ones]))
        self.search = Search(lambda: SearchTarget(self.index, self.embedder), self.fetcher, lambda url: f"{url}?signed")
        self.embedder.embedded = 0


@pytest.fixture
def setup() -> SearchSetup:
    return SearchSetup()


def test_as_many_products_come_back_as_were_asked_for_though_one_has_most_pictures(setup: SearchSetup) -> None:
    result = setup.search.search(Query(ByUrl("http://a/3"), SearchOptions(size=20)))

    assert len({hit.product_id for hit in result.hits}) == 20
    assert result.hits[0].product_id == "many"
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)


def test_knn_and_exact_agree(setup: SearchSetup) -> None:
    content = picture(79)
    found, exact = (setup.search.search(Query(ByContent(content), SearchOptions(size=30, exact=exact))) for exact in (False, True))

    assert list(found.hits) == list(exact.hits)


def test_bytes_that_are_indexed_are_searched_by_without_embedding_them(setup: SearchSetup) -> None:
    result = setup.search.search(Query(ByContent(picture(60)), SearchOptions(size=1)))

    assert (result.hits[0].product_id, result.hits[0].score) == ("p-60", 1.0)
    assert setup.embedder.embedded == 0
    setup.search.search(Query(ByContent(picture(79))))
    assert setup.embedder.embedded == 1


def test_a_picture_that_comes_again_is_neither_decoded_nor_looked_up_nor_embedded(
    setup: SearchSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = Crop(0.1, 0.1, 0.9, 0.9)
    queries = [ByContent(picture(79)), ByContent(picture(60)), ByContent(picture(79), crop), ByContent(picture(60), crop)]
    first = [setup.search.search(Query(each, SearchOptions(size=5))).hits for each in queries]
    monkeypatch.setattr(decoding, "decode", lambda *_, **__: pytest.fail("decoded again"))
    monkeypatch.setattr(setup.index, "embedded", lambda sha256s: pytest.fail("looked up again") if list(sha256s) else {})

    again = [setup.search.search(Query(each, SearchOptions(size=5))).hits for each in reversed(queries)][::-1]

    assert again == first
    assert setup.embedder.embedded == 3
    assert first[0] != first[2]


def test_only_the_last_pictures_are_remembered_and_each_for_its_model_alone(setup: SearchSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.search.query_vectors.RECENT_PICTURES", 2)
    search = Search(lambda: SearchTarget(setup.index, setup.embedder), setup.fetcher, lambda url: url)
    made = [BytesIO(picture(79)).getvalue() + bytes(number) for number in range(3)]
    for content in (*made, made[2], made[1]):
        search.search(Query(ByContent(content)))
    assert setup.embedder.embedded == 3

    search.search(Query(ByContent(made[0])))
    assert setup.embedder.embedded == 4
    setup.embedder.model = replace(setup.embedder.model, weights_sha256="another")
    search.search(Query(ByContent(made[0])))
    assert setup.embedder.embedded == 5


def test_bytes_that_are_indexed_are_searched_by_without_waiting_for_their_decoding(
    setup: SearchSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()
    decode = decoding.decode
    monkeypatch.setattr(decoding, "decode", lambda *given, **options: answered.wait() and decode(*given, **options))
    result = setup.search.search(Query(ByContent(picture(60)), SearchOptions(size=1)))
    answered.set()

    assert result.hits[0].product_id == "p-60"


def test_a_product_is_left_out_of_its_own_look_alikes_unless_asked_for(setup: SearchSetup) -> None:
    without = setup.search.search(Query(ByProduct("many"), SearchOptions(size=30)))
    including = setup.search.search(Query(ByProduct("many", include_self=True), SearchOptions(size=30)))

    assert "many" not in {hit.product_id for hit in without.hits}
    assert including.hits[0].product_id == "many"
    assert len(without.hits) == 29


def test_hits_below_the_least_score_are_left_out(setup: SearchSetup) -> None:
    every = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=30))).hits
    least = every[4].score

    assert len(setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=30, min_score=least))).hits) == 5


def test_hits_have_presigned_urls_and_stages_are_timed(setup: SearchSetup) -> None:
    result = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=1)))

    assert result.hits[0].image_url == "http://a/60?signed"
    assert set(result.timings_ms) == {"fetch", "decode", "embed", "search"}


def test_an_unknown_product_and_a_bad_picture_are_refused(setup: SearchSetup) -> None:
    with pytest.raises(NotFound):
        setup.search.search(Query(ByProduct("nobody")))
    with pytest.raises(PictureUnusable):
        setup.search.search(Query(ByContent(b"no picture")))


def _products(result: SearchResult) -> list[str]:
    return [hit.product_id for hit in result.hits]


def test_every_picture_is_a_hit_where_pictures_are_asked_for(setup: SearchSetup) -> None:
    result = setup.search.search(Query(ByProduct("many", include_self=True), SearchOptions(size=100, per="image")))

    assert len({hit.image_id for hit in result.hits}) == 79
    assert _products(result).count("many") == 50


def test_near_duplicates_are_copies_and_not_what_only_looks_alike(setup: SearchSetup) -> None:
    """The copy is another file, of another size; its network's vector is near that of the picture, and of others."""
    smooth = Image.effect_noise((64, 64), 90).filter(ImageFilter.GaussianBlur(6))
    for name, image in (("original", smooth), ("twin", smooth.resize((200, 200))), ("mirrored", ImageOps.mirror(smooth))):
        setup.fetcher.files[f"http://a/{name}"] = _png(image)
        list(setup.indexer.put([Product(name, (f"http://a/{name}",))]))

    copies = setup.search.search(Query(ByUrl("http://a/original"), SearchOptions(near_duplicates=True)))
    others = setup.search.search(Query(ByProduct("p-60"), SearchOptions(near_duplicates=True)))

    assert set(_products(copies)) == {"original", "twin"}
    assert copies.next_query() is None
    assert _products(others) == []


def test_diverse_hits_are_some_of_the_nearest_in_the_order_of_their_scores(setup: SearchSetup) -> None:
    every = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=30)))
    diverse = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=5, diversity=0.9)))

    assert len(diverse.hits) == 5
    assert diverse.hits[0].product_id == "p-60"
    assert _products(diverse) != _products(every)[:5]
    assert [hit.score for hit in diverse.hits] == sorted((hit.score for hit in diverse.hits), reverse=True)


@pytest.mark.parametrize("per", ["product", "image"])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        ByUrl("http://a/60"),
        ByContent(picture(79)),
        ByProduct("many"),
        ByProduct("p-60", include_self=True),
        WeightedExamples(((ByUrl("http://a/60"), 1.0), (ByProduct("p-61"), 0.5))),
        WeightedExamples(((ByUrl("http://a/60"), 1.0), (ByProduct("p-61"), -0.5))),
    ],
    ids=lambda given: type(given).__name__,
)
def test_pages_hold_what_one_large_page_does_and_need_no_second_download_or_embedding(
    setup: SearchSetup, given: QueryInput, exact: bool, per: Per
) -> None:
    options = SearchOptions(size=100, exact=exact, per=per)
    whole = setup.search.search(Query(given, options))
    page = setup.search.search(Query(given, replace(options, size=7)))
    setup.fetcher.files.clear()
    setup.embedder.embedded = 0

    hits = list(page.hits)
    while following := page.next_query():
        page = setup.search.search(following)
        hits += page.hits

    assert [key(hit, per) for hit in hits] == [key(hit, per) for hit in whole.hits]
    assert whole.next_query() is None
    assert setup.embedder.embedded == 0


def test_a_page_after_diverse_hits_shows_what_they_left_out(setup: SearchSetup) -> None:
    page = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=5, diversity=0.9)))
    following = page.next_query()
    assert following
    rest = setup.search.search(replace(following, options=replace(following.options, size=100)))

    assert set(_products(page)).isdisjoint(_products(rest))
    assert len(page.hits) + len(rest.hits) == 30


def test_there_is_no_page_after_the_last_hit_that_is_good_enough(setup: SearchSetup) -> None:
    every = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=30))).hits
    least = every[4].score

    assert setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=4, min_score=least))).next_query()
    assert setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=5, min_score=least))).next_query() is None


def test_paging_ends_where_too_much_was_seen(setup: SearchSetup) -> None:
    seen = frozenset(f"other-{n}" for n in range(MAX_SEEN - 5))

    assert setup.search.search(Query(ByProduct("many"), SearchOptions(size=4, seen=seen))).next_query()
    assert setup.search.search(Query(ByProduct("many"), SearchOptions(size=5, seen=seen))).next_query() is None


def test_a_vector_of_another_model_is_refused(setup: SearchSetup) -> None:
    page = setup.search.search(Query(ByUrl("http://a/60"), SearchOptions(size=5)))
    following = page.next_query()
    assert following
    for wrong in (replace(following, model="other"), replace(following, input=QueryVectors((np.zeros(3, np.float32),)))):
        with pytest.raises(RequestInvalid, match="another model"):
            setup.search.search(wrong)


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
