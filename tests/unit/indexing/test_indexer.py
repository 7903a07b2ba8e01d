"""The indexer: the index becomes what the pictures are now, and nothing is embedded twice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Pixels, Product, Vectors
from lookalike.errors import DownloadFailed, IndexUnavailable, Misconfigured, PictureUnusable
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget
from lookalike.keys import DEFAULT_KEYS
from lookalike.pictures import decoding
from PIL import Image

from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, picture

A, B = "s3://bucket/images/a.jpg", "s3://bucket/images/b.jpg"

NOW_MS = 4_000_000_000_000
"""Later than anything that the tests index."""


class IndexerSetup:
    """The indexer with fakes around it."""

    def __init__(self) -> None:
        self.index, self.embedder, self.fetcher = FakeIndex(), FakeEmbedder(), FakeFetcher()
        self.indexer = Indexer(lambda: [WriteTarget(self.index, self.embedder)], self.fetcher)

    def put(self, *products: Product) -> dict[str, str]:
        return {outcome.image_url: outcome.state for outcome in self.indexer.put(products)}

    def sync(self, *urls: str) -> dict[str, str]:
        return {outcome.image_url: outcome.state for outcome in self.indexer.sync({url: url[-5] for url in urls})}


@pytest.fixture
def setup() -> IndexerSetup:
    return IndexerSetup()


def test_one_bad_picture_in_a_batch_is_recorded_and_the_others_are_indexed(setup: IndexerSetup) -> None:
    jpeg = BytesIO()
    Image.new("RGB", (300, 300), "red").save(jpeg, "JPEG")
    setup.fetcher.files = {f"http://a/{n}": picture(n) for n in range(40)}
    setup.fetcher.files |= {"http://a/7": b"no picture", "http://a/8": jpeg.getvalue()[:400], "http://a/9": b""}

    outcomes = list(setup.indexer.put([Product(str(n), (f"http://a/{n}",)) for n in range(41)]))

    failed = {outcome.product_id: str(outcome.error) for outcome in outcomes if outcome.state == "failed"}
    assert set(failed) == {"7", "8", "9", "40"}
    assert "not a picture" in failed["7"]
    assert "cut off" in failed["8"]
    assert "zero bytes" in failed["9"]
    assert setup.index.products() == {str(n) for n in range(40)} - {"7", "8", "9"}


def test_a_picture_that_the_model_refuses_fails_alone(setup: IndexerSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.fetcher.files = {f"http://a/{n}": picture(n) for n in range(20)}
    model, embed = setup.embedder.model, setup.embedder.embed
    refused = decoding.scale(decoding.decode(picture(7), at_least=model.input_size).pixels, model)

    def refuse_one(pixels: Sequence[Pixels]) -> Vectors:
        if any(np.array_equal(each, refused) for each in pixels):
            raise PictureUnusable("the model elsewhere refuses it")
        return embed(pixels)

    monkeypatch.setattr(setup.embedder, "embed", refuse_one)
    outcomes = list(setup.indexer.put([Product(str(n), (f"http://a/{n}",)) for n in range(20)]))

    assert [(outcome.product_id, str(outcome.error)) for outcome in outcomes if outcome.error] == [("7", "the model elsewhere refuses it")]
    assert setup.index.products() == {str(n) for n in range(20)} - {"7"}


def test_what_did_not_change_is_neither_embedded_nor_written_again(setup: IndexerSetup) -> None:
    setup.fetcher.files = {"http://a/1": picture(1)}
    setup.put(Product("p", ("http://a/1",), {"price": 1}))

    assert setup.put(Product("p", ("http://a/1",), {"price": 1})) == {"http://a/1": "unchanged"}
    assert setup.embedder.embedded == 1


def test_new_attributes_and_a_second_product_with_the_same_bytes_cost_no_embedding(setup: IndexerSetup) -> None:
    setup.fetcher.files = {"http://a/1": picture(1), "http://a/copy": picture(1)}
    setup.put(Product("p", ("http://a/1",), {"price": 1}))

    assert setup.put(Product("p", ("http://a/1",), {"price": 2}), Product("q", ("http://a/copy",))) == {
        "http://a/1": "indexed",
        "http://a/copy": "indexed",
    }
    assert setup.embedder.embedded == 1
    assert sorted(str(document.attributes) for document, _ in setup.index.documents.values()) == ["{'price': 2}", "{}"]


def test_the_same_bytes_twice_in_a_batch_are_embedded_once(setup: IndexerSetup) -> None:
    setup.fetcher.files = {f"http://a/{n}": picture(1) for n in range(5)}
    setup.put(*(Product(str(n), (f"http://a/{n}",)) for n in range(5)))

    assert setup.embedder.embedded == 1
    assert len(setup.index.documents) == 5


def test_pictures_are_embedded_together_as_far_as_their_files_fit_into_memory(setup: IndexerSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    embed, sizes = setup.embedder.embed, list[int]()

    def remember(pixels: Sequence[Pixels]) -> Vectors:
        sizes.append(len(pixels))
        return embed(pixels)

    monkeypatch.setattr(setup.embedder, "embed", remember)
    setup.fetcher.files = {A: picture(1), B: picture(2)}

    setup.sync(A, B)
    monkeypatch.setattr("lookalike.indexing.pipeline.MAX_BATCH_BYTES", len(picture(3)))
    setup.fetcher.files = {A: picture(3), B: picture(4)}
    setup.sync(A, B)

    assert sizes == [2, 1, 1]


def test_a_picture_that_a_product_no_longer_lists_is_not_found_any_more(setup: IndexerSetup) -> None:
    setup.fetcher.files = {"http://a/1": picture(1), "http://a/2": picture(2), A: picture(3)}
    setup.put(Product("a", ("http://a/1", "http://a/2")))
    setup.sync(A)

    setup.put(Product("a", ("http://a/2",)))

    assert {document.image_url for document, _ in setup.index.documents.values()} == {"http://a/2", A}


def test_a_download_that_fails_for_now_leaves_what_was_indexed_and_says_so(setup: IndexerSetup) -> None:
    setup.fetcher.files = {"http://a/1": picture(1)}
    setup.put(Product("p", ("http://a/1",)))
    setup.fetcher.files = {"http://a/1": DownloadFailed("busy")}

    [outcome] = setup.indexer.put([Product("p", ("http://a/1",))])

    assert outcome.error is not None
    assert outcome.error.ending == "retry"
    assert setup.index.products() == {"p"}


def test_a_product_without_an_image_url_is_recorded(setup: IndexerSetup) -> None:
    [outcome] = setup.indexer.put([Product("p", ())])

    assert (outcome.product_id, outcome.state) == ("p", "failed")


def test_the_index_equals_the_bucket_whatever_order_events_come_in(setup: IndexerSetup) -> None:
    setup.fetcher.files = {A: picture(1), B: picture(2)}
    assert setup.sync(A, B) == {A: "indexed", B: "indexed"}
    setup.fetcher.files = {A: picture(3)}

    assert setup.sync(B, A) == {A: "indexed", B: "deleted"}
    assert setup.sync(A, B) == {A: "unchanged", B: "deleted"}
    assert setup.index.products() == {"a"}


def test_an_object_that_changes_while_it_is_indexed_is_indexed_again(setup: IndexerSetup) -> None:
    setup.fetcher.files = {A: picture(1)}
    setup.fetcher.after_fetch = {A: picture(2)}
    setup.sync(A)
    [(document, vector)] = setup.index.documents.values()

    setup.sync(A)

    assert setup.embedder.embedded == 2
    assert [(document, vector)] == list(setup.index.documents.values())


def test_an_object_whose_metadata_changes_while_it_is_indexed_is_indexed_again(setup: IndexerSetup) -> None:
    """The same bytes have the same ETag."""
    setup.fetcher.files = {A: picture(1)}
    setup.fetcher.metadata_after_fetch = [{"price": "8"}]

    setup.sync(A)

    [(document, _)] = setup.index.documents.values()
    assert document.attributes == {"price": "8"}


def test_a_bad_picture_in_the_bucket_removes_the_picture_that_it_replaced(setup: IndexerSetup) -> None:
    setup.fetcher.files = {A: picture(1)}
    setup.sync(A)
    setup.fetcher.files = {A: b"no picture"}

    assert setup.sync(A) == {A: "failed"}
    assert setup.index.documents == {}


def test_an_unavailable_index_stops_the_whole_call(setup: IndexerSetup) -> None:
    setup.index.away = IndexUnavailable("gone")
    setup.fetcher.files = {A: picture(1)}

    with pytest.raises(IndexUnavailable):
        setup.sync(A)


def test_nothing_is_acknowledged_where_there_is_no_index_to_write(setup: IndexerSetup) -> None:
    indexer = Indexer(list, setup.fetcher)

    for write in (
        lambda: list(indexer.put([Product("hat", ("http://a/hat",))])),
        lambda: list(indexer.sync({A: "a"})),
        lambda: indexer.delete({"hat": NOW_MS}),
    ):
        with pytest.raises(Misconfigured):
            write()


def test_two_targets_are_both_written(setup: IndexerSetup) -> None:
    other, embedder = FakeIndex(), FakeEmbedder()
    indexer = Indexer(lambda: [WriteTarget(setup.index, setup.embedder), WriteTarget(other, embedder)], setup.fetcher)
    setup.fetcher.files = {A: picture(1)}

    assert [outcome.state for outcome in indexer.sync({A: "a"})] == ["indexed"]
    assert setup.index.products() == other.products() == {"a"}


@pytest.mark.parametrize(
    ("key", "product_id"),
    [
        ("images/p-1.jpg", "p-1"),
        ("images/p-1/front.jpg", "p-1"),
        ("images/p-1/deep/er.png", "p-1"),
        ("images/p.1/x", "p.1"),
        ("images/p.1.jpg", "p.1"),
        ("images/", None),
        ("other/p.jpg", None),
    ],
)
def test_a_key_names_its_product(key: str, product_id: str | None) -> None:
    assert DEFAULT_KEYS.product_of_key(key) == product_id


def test_a_picture_that_is_unchanged_where_it_is_is_not_downloaded_again(setup: IndexerSetup) -> None:
    setup.fetcher.files = {f"http://a/{n}": picture(n) for n in range(20)}
    products = [Product(f"p-{n}", (f"http://a/{n}",)) for n in range(20)]
    setup.put(*products)
    setup.fetcher.files["http://a/7"] = picture(100)

    states = setup.put(*products)

    assert states == {f"http://a/{n}": "indexed" if n == 7 else "unchanged" for n in range(20)}
    assert (setup.fetcher.downloads, setup.embedder.embedded) == (21, 21)


def test_attributes_are_brought_up_to_date_without_a_download(setup: IndexerSetup) -> None:
    setup.fetcher.files = {"http://a/1": picture(1), A: picture(2)}
    setup.put(Product("p", ("http://a/1",), {"price": 1}))
    setup.sync(A)
    assert setup.put(Product("p", ("http://a/1",), {"price": 2})) == {"http://a/1": "indexed"}
    assert setup.sync(A) == {A: "unchanged"}

    assert [p.attributes for p, _ in setup.index.documents.values()] == [{"price": 2}, {"from": "bucket"}]
    assert (setup.fetcher.downloads, setup.embedder.embedded) == (2, 2)


def test_a_picture_whose_vector_the_index_does_not_give_is_downloaded_again(setup: IndexerSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.fetcher.files = {"http://a/1": picture(1)}
    setup.put(Product("p", ("http://a/1",), {"price": 1}))
    monkeypatch.setattr(setup.index, "embedded", lambda _: {})

    assert setup.put(Product("p", ("http://a/1",), {"price": 2})) == {"http://a/1": "indexed"}
    assert (setup.fetcher.downloads, setup.embedder.embedded) == (2, 2)


def test_a_late_delete_spares_the_same_file_that_was_uploaded_after_it(setup: IndexerSetup) -> None:
    first, deleted, again, later = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (1, 2, 3, 4))
    times = iter((first, later))
    indexer = Indexer(lambda: [WriteTarget(setup.index, setup.embedder)], setup.fetcher, lambda: next(times))
    setup.fetcher.files = {A: picture(1)}
    list(indexer.sync({A: "a"}))
    setup.fetcher.modified = again

    assert [outcome.state for outcome in indexer.sync({A: "a"})] == ["indexed"]
    assert [outcome.state for outcome in indexer.sync({A: "a"})] == ["unchanged"]
    indexer.delete({"a": round(deleted.timestamp() * 1000)})

    assert (setup.index.products(), setup.embedder.embedded) == ({"a"}, 1)
