"""The indexer with two indices, of which the second is being filled from the first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lookalike.domain import Model, Product
from lookalike.errors import TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget

from tests.fakes import MODEL, FakeEmbedder, FakeFetcher, FakeIndex, picture

NOW_MS = 4_000_000_000_000
"""Later than anything that the tests index."""


class TwoIndices:
    """Two indices, of which the second is being filled from the first."""

    def __init__(self, new_model: Model = MODEL) -> None:
        self.old, self.new = FakeIndex(name="old"), FakeIndex(name="new")
        self.fetcher = FakeFetcher({f"http://a/{n}": picture(n) for n in range(3)})
        self.appeared = [self.old]
        self.embedder = FakeEmbedder()
        self.embedder.model = new_model
        target = {"old": WriteTarget(self.old, FakeEmbedder()), "new": WriteTarget(self.new, self.embedder)}
        self.indexer = Indexer(
            lambda: [target["old"]],
            self.fetcher,
            targets_now=lambda: [each for each in target.values() if each.index in self.appeared],
            named=target.__getitem__,
        )

    def put(self, price: int) -> None:
        list(self.indexer.put([Product("hat", ("http://a/0", "http://a/1"), {"price": price})]))


def test_pictures_are_copied_as_the_other_index_has_them() -> None:
    indices = TwoIndices()
    indices.put(1)

    outcomes = dict(indices.indexer.copy([*indices.old.documents, "nobody's"], "old", "new"))

    assert {image: outcome.state for image, outcome in outcomes.items()} == dict.fromkeys(indices.old.documents, "indexed") | {
        "nobody's": "deleted"
    }
    assert [p.attributes for p, _ in indices.new.documents.values()] == [{"price": 1}] * 2


@pytest.mark.parametrize(("model", "sign"), [(MODEL, 1), (replace(MODEL, weights_sha256="1" * 64, adapted_from=MODEL.weights_sha256), -1)])
def test_vectors_that_can_be_had_from_the_other_index_s_are_made_without_the_pictures(model: Model, sign: int) -> None:
    indices = TwoIndices(model)
    indices.put(1)
    indices.fetcher.files.clear()

    outcomes = dict(indices.indexer.copy(list(indices.old.documents), "old", "new"))

    assert {outcome.state for outcome in outcomes.values()} == {"indexed"}
    for image, (stored, vector) in indices.old.documents.items():
        copied, made = indices.new.documents[image]
        assert replace(copied, indexed_at=stored.indexed_at) == stored
        assert made.tolist() == (sign * vector).tolist()
    assert indices.embedder.embedded == 0


def test_a_model_that_has_nothing_to_do_with_the_other_one_sees_the_pictures() -> None:
    indices = TwoIndices(replace(MODEL, weights_sha256="1" * 64))
    indices.put(1)

    list(indices.indexer.copy(list(indices.old.documents), "old", "new"))

    assert indices.embedder.embedded == 2


def test_a_picture_that_changes_while_it_is_copied_is_copied_as_it_is_then(monkeypatch: pytest.MonkeyPatch) -> None:
    indices = TwoIndices()
    indices.put(1)
    write = indices.new.write

    def change_first(*given: Any) -> Any:
        monkeypatch.undo()
        indices.put(2)
        return write(*given)

    monkeypatch.setattr(indices.new, "write", change_first)
    list(indices.indexer.copy(list(indices.old.documents), "old", "new"))

    assert [p.attributes for p, _ in indices.new.documents.values()] == [{"price": 2}] * 2


def test_a_picture_that_is_deleted_while_it_is_copied_is_not_in_the_new_index(monkeypatch: pytest.MonkeyPatch) -> None:
    indices = TwoIndices()
    indices.put(1)
    write = indices.new.write

    def delete_first(*given: Any) -> Any:
        monkeypatch.undo()
        indices.indexer.delete({"hat": NOW_MS})
        return write(*given)

    images = list(indices.old.documents)
    monkeypatch.setattr(indices.new, "write", delete_first)
    outcomes = dict(indices.indexer.copy(images, "old", "new"))

    assert (indices.new.documents, {outcome.state for outcome in outcomes.values()}) == ({}, {"deleted"})


def test_what_was_written_while_an_index_appeared_is_done_again() -> None:
    indices = TwoIndices()
    indices.appeared.append(indices.new)

    writes: list[Callable[[], object]] = [
        lambda: indices.put(1),
        lambda: indices.indexer.delete({"hat": NOW_MS}),
        lambda: list(indices.indexer.sync({"s3://b/images/1.jpg": "1"})),
    ]
    for write in writes:
        with pytest.raises(TransientError):
            write()
    list(indices.indexer.put([Product("mug", ("http://a/2",))], into="new"))

    assert indices.new.products() == {"mug"}
    assert indices.old.products() == set()


def test_a_picture_that_one_of_two_indices_lacks_is_downloaded_for_it() -> None:
    indices = TwoIndices()
    indices.put(1)
    both = Indexer(lambda: [WriteTarget(indices.old, FakeEmbedder()), WriteTarget(indices.new, FakeEmbedder())], indices.fetcher)
    list(both.put([Product("hat", ("http://a/0", "http://a/1"), {"price": 1})]))

    assert indices.fetcher.downloads == 4
    assert len(indices.new.documents) == 2


def test_a_copy_was_indexed_when_its_original_was() -> None:
    indices = TwoIndices()
    indices.put(1)

    list(indices.indexer.copy(list(indices.old.documents), "old", "new"))

    assert {image: p.indexed_at for image, (p, _) in indices.new.documents.items()} == {
        image: p.indexed_at for image, (p, _) in indices.old.documents.items()
    }


def test_a_copy_that_is_embedded_anew_was_indexed_when_its_original_was() -> None:
    indices = TwoIndices(replace(MODEL, weights_sha256="2" * 64))
    indices.put(1)

    list(indices.indexer.copy(list(indices.old.documents), "old", "new"))

    assert {p.indexed_at for p, _ in indices.new.documents.values()} == {p.indexed_at for p, _ in indices.old.documents.values()}
