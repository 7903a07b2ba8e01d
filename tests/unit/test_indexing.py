"""Indexing: the index becomes what the pictures are now, and nothing is embedded twice."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from lookalike.domain import Product
from lookalike.errors import DownloadFailed, IndexAway, Unavailable
from lookalike.indexing import Indexing, Target, product_of_key
from PIL import Image

from tests.fakes import FakeEmbedder, FakeIndex, FakePictures, picture

A, B = "s3://bucket/images/a.jpg", "s3://bucket/images/b.jpg"


class Bench:
    """Indexing with fakes around it."""

    def __init__(self) -> None:
        self.index, self.embedder, self.pictures = FakeIndex(), FakeEmbedder(), FakePictures()
        self.indexing = Indexing(lambda: [Target(self.index, self.embedder)], self.pictures)

    def put(self, *products: Product) -> dict[str, str]:
        return {outcome.image_url: outcome.state for outcome in self.indexing.put(products)}

    def mirror(self, *urls: str) -> dict[str, str]:
        return {outcome.image_url: outcome.state for outcome in self.indexing.mirror({url: url[-5] for url in urls})}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_one_bad_picture_in_a_batch_is_recorded_and_the_others_are_indexed(bench: Bench) -> None:
    jpeg = BytesIO()
    Image.new("RGB", (300, 300), "red").save(jpeg, "JPEG")
    bench.pictures.files = {f"http://a/{n}": picture(n) for n in range(40)}
    bench.pictures.files |= {"http://a/7": b"no picture", "http://a/8": jpeg.getvalue()[:400], "http://a/9": b""}

    outcomes = list(bench.indexing.put([Product(str(n), (f"http://a/{n}",)) for n in range(41)]))

    failed = {outcome.product_id: str(outcome.error) for outcome in outcomes if outcome.state == "failed"}
    assert set(failed) == {"7", "8", "9", "40"}
    assert "not a picture" in failed["7"]
    assert "truncated" in failed["8"]
    assert "zero bytes" in failed["9"]
    assert bench.index.products() == {str(n) for n in range(40)} - {"7", "8", "9"}


def test_what_did_not_change_is_neither_embedded_nor_written_again(bench: Bench) -> None:
    bench.pictures.files = {"http://a/1": picture(1)}
    bench.put(Product("p", ("http://a/1",), {"price": 1}))

    assert bench.put(Product("p", ("http://a/1",), {"price": 1})) == {"http://a/1": "unchanged"}
    assert bench.embedder.embedded == 1


def test_new_attributes_and_a_second_product_with_the_same_bytes_cost_no_embedding(bench: Bench) -> None:
    bench.pictures.files = {"http://a/1": picture(1), "http://a/copy": picture(1)}
    bench.put(Product("p", ("http://a/1",), {"price": 1}))

    assert bench.put(Product("p", ("http://a/1",), {"price": 2}), Product("q", ("http://a/copy",))) == {
        "http://a/1": "indexed",
        "http://a/copy": "indexed",
    }
    assert bench.embedder.embedded == 1
    assert sorted(str(document.attributes) for document, _ in bench.index.documents.values()) == ["{'price': 2}", "{}"]


def test_the_same_bytes_twice_in_a_batch_are_embedded_once(bench: Bench) -> None:
    bench.pictures.files = {f"http://a/{n}": picture(1) for n in range(5)}
    bench.put(*(Product(str(n), (f"http://a/{n}",)) for n in range(5)))

    assert bench.embedder.embedded == 1
    assert len(bench.index.documents) == 5


def test_a_picture_that_a_product_no_longer_lists_is_not_found_any_more(bench: Bench) -> None:
    bench.pictures.files = {"http://a/1": picture(1), "http://a/2": picture(2), A: picture(3)}
    bench.put(Product("a", ("http://a/1", "http://a/2")))
    bench.mirror(A)

    bench.put(Product("a", ("http://a/2",)))

    assert {document.image_url for document, _ in bench.index.documents.values()} == {"http://a/2", A}


def test_a_download_that_fails_for_now_leaves_what_was_indexed_and_says_so(bench: Bench) -> None:
    bench.pictures.files = {"http://a/1": picture(1)}
    bench.put(Product("p", ("http://a/1",)))
    bench.pictures.files = {"http://a/1": DownloadFailed("busy")}

    [outcome] = bench.indexing.put([Product("p", ("http://a/1",))])

    assert outcome.error is not None
    assert outcome.error.ending == "retry"
    assert bench.index.products() == {"p"}


def test_a_product_without_an_image_url_is_recorded(bench: Bench) -> None:
    [outcome] = bench.indexing.put([Product("p", ())])

    assert (outcome.product_id, outcome.state) == ("p", "failed")


def test_the_index_equals_the_bucket_whatever_order_events_come_in(bench: Bench) -> None:
    bench.pictures.files = {A: picture(1), B: picture(2)}
    assert bench.mirror(A, B) == {A: "indexed", B: "indexed"}
    bench.pictures.files = {A: picture(3)}

    assert bench.mirror(B, A) == {A: "indexed", B: "deleted"}
    assert bench.mirror(A, B) == {A: "unchanged", B: "deleted"}
    assert bench.index.products() == {"a"}


def test_an_object_that_changes_while_it_is_indexed_is_indexed_again(bench: Bench) -> None:
    bench.pictures.files = {A: picture(1)}
    bench.pictures.after_fetch = {A: picture(2)}
    bench.mirror(A)
    [(document, vector)] = bench.index.documents.values()

    bench.mirror(A)

    assert bench.embedder.embedded == 2
    assert [(document, vector)] == list(bench.index.documents.values())


def test_a_bad_picture_in_the_bucket_takes_away_what_it_replaced(bench: Bench) -> None:
    bench.pictures.files = {A: picture(1)}
    bench.mirror(A)
    bench.pictures.files = {A: b"no picture"}

    assert bench.mirror(A) == {A: "failed"}
    assert bench.index.documents == {}


def test_an_index_that_is_away_stops_everything(bench: Bench) -> None:
    bench.index.away = IndexAway("gone")
    bench.pictures.files = {A: picture(1)}

    with pytest.raises(IndexAway):
        bench.mirror(A)


def test_two_targets_are_both_written(bench: Bench) -> None:
    other, embedder = FakeIndex(), FakeEmbedder()
    indexing = Indexing(lambda: [Target(bench.index, bench.embedder), Target(other, embedder)], bench.pictures)
    bench.pictures.files = {A: picture(1)}

    assert [outcome.state for outcome in indexing.mirror({A: "a"})] == ["indexed"]
    assert bench.index.products() == other.products() == {"a"}


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
    assert product_of_key(key) == product_id


def test_a_picture_that_is_unchanged_where_it_is_is_not_downloaded_again(bench: Bench) -> None:
    bench.pictures.files = {f"http://a/{n}": picture(n) for n in range(20)}
    products = [Product(f"p-{n}", (f"http://a/{n}",)) for n in range(20)]
    bench.put(*products)
    bench.pictures.files["http://a/7"] = picture(100)

    states = bench.put(*products)

    assert states == {f"http://a/{n}": "indexed" if n == 7 else "unchanged" for n in range(20)}
    assert (bench.pictures.downloads, bench.embedder.embedded) == (21, 21)


def test_attributes_are_brought_up_to_date_without_a_download(bench: Bench) -> None:
    bench.pictures.files = {"http://a/1": picture(1), A: picture(2)}
    bench.put(Product("p", ("http://a/1",), {"price": 1}))
    bench.mirror(A)
    assert bench.put(Product("p", ("http://a/1",), {"price": 2})) == {"http://a/1": "indexed"}
    assert bench.mirror(A) == {A: "unchanged"}

    assert [p.attributes for p, _ in bench.index.documents.values()] == [{"price": 2}, {"from": "bucket"}]
    assert (bench.pictures.downloads, bench.embedder.embedded) == (2, 2)


def test_a_picture_whose_vector_cannot_be_found_yet_is_downloaded_after_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.pictures.files = {"http://a/1": picture(1)}
    bench.put(Product("p", ("http://a/1",), {"price": 1}))
    monkeypatch.setattr(bench.index, "embedded", lambda _: {})

    assert bench.put(Product("p", ("http://a/1",), {"price": 2})) == {"http://a/1": "indexed"}
    assert (bench.pictures.downloads, bench.embedder.embedded) == (2, 2)


def test_a_picture_that_one_of_two_indices_lacks_is_downloaded_for_it() -> None:
    walk = Walk()
    walk.put(1)
    both = Indexing(lambda: [Target(walk.old, FakeEmbedder()), Target(walk.new, FakeEmbedder())], walk.pictures)
    list(both.put([Product("hat", ("http://a/0", "http://a/1"), {"price": 1})]))

    assert walk.pictures.downloads == 4
    assert len(walk.new.documents) == 2


class Walk:
    """Two indices, of which the second is being filled from the first."""

    def __init__(self) -> None:
        self.old, self.new, self.pictures = FakeIndex(), FakeIndex(), FakePictures({f"http://a/{n}": picture(n) for n in range(3)})
        self.appeared = [self.old]
        target = {"old": Target(self.old, FakeEmbedder()), "new": Target(self.new, FakeEmbedder())}
        self.indexing = Indexing(
            lambda: [target["old"]],
            self.pictures,
            targets_now=lambda: [each for each in target.values() if each.index in self.appeared],
            named=target.__getitem__,
        )

    def put(self, price: int) -> None:
        list(self.indexing.put([Product("hat", ("http://a/0", "http://a/1"), {"price": price})]))


def test_pictures_are_copied_as_the_other_index_has_them() -> None:
    walk = Walk()
    walk.put(1)

    outcomes = dict(walk.indexing.copy([*walk.old.documents, "nobody's"], "old", "new"))

    assert {image: outcome.state for image, outcome in outcomes.items()} == dict.fromkeys(walk.old.documents, "indexed") | {
        "nobody's": "deleted"
    }
    assert [p.attributes for p, _ in walk.new.documents.values()] == [{"price": 1}] * 2


def test_a_picture_that_changes_while_it_is_copied_is_copied_as_it_is_then(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Walk()
    walk.put(1)
    write = walk.new.write

    def change_first(*given: Any) -> Any:
        monkeypatch.undo()
        walk.put(2)
        return write(*given)

    monkeypatch.setattr(walk.new, "write", change_first)
    list(walk.indexing.copy(list(walk.old.documents), "old", "new"))

    assert [p.attributes for p, _ in walk.new.documents.values()] == [{"price": 2}] * 2


def test_a_picture_that_is_deleted_while_it_is_copied_is_not_in_the_new_index(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Walk()
    walk.put(1)
    write = walk.new.write

    def delete_first(*given: Any) -> Any:
        monkeypatch.undo()
        walk.indexing.delete(["hat"])
        return write(*given)

    images = list(walk.old.documents)
    monkeypatch.setattr(walk.new, "write", delete_first)
    outcomes = dict(walk.indexing.copy(images, "old", "new"))

    assert (walk.new.documents, {outcome.state for outcome in outcomes.values()}) == ({}, {"deleted"})


def test_what_was_written_while_an_index_appeared_is_done_again() -> None:
    walk = Walk()
    walk.appeared.append(walk.new)

    writes: list[Callable[[], object]] = [
        lambda: walk.put(1),
        lambda: walk.indexing.delete(["hat"]),
        lambda: list(walk.indexing.mirror({"s3://b/images/1.jpg": "1"})),
    ]
    for write in writes:
        with pytest.raises(Unavailable):
            write()
    list(walk.indexing.put([Product("mug", ("http://a/2",))], into="new"))

    assert walk.new.products() == {"mug"}
    assert walk.old.products() == set()
