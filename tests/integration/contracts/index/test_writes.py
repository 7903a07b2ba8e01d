"""What every index promises to indexing: what was written is there, whole, and what was deleted is not."""

import numpy as np
import pytest
from lookalike.search.ports import Selection

from tests.integration.contracts.index.index_under_test import IndexUnderTest
from tests.integration.samples import indexed, vector


def test_a_picture_that_was_written_is_there_at_once_and_whole(under_test: IndexUnderTest) -> None:
    uploaded = indexed("hat", {"price": 19.9, "colours": ["red", {"name": "blue"}], "none": None}, origin="upload")
    under_test.index.write([(uploaded, vector(0))], [])

    assert under_test.index.pictures([uploaded.image_id, "nobody's"]) == {uploaded.image_id: uploaded}


def test_a_picture_that_is_written_again_replaces_itself(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat", {"price": 1, "old": True}))
    under_test.write(indexed("hat", {"price": 2}), vectors=[vector(7)])

    [hit] = under_test.index.exact(vector(7), Selection(), size=10)

    assert hit.attributes == {"price": 2}
    assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_deleting_what_is_there_removes_it_and_deleting_what_is_not_is_no_error(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat"), indexed("mug"))

    assert under_test.index.write([], [indexed("hat").image_id, "nobody's"]) == {}
    under_test.refresh()

    assert [hit.product_id for hit in under_test.index.exact(vector(0), Selection(), size=10)] == ["mug"]


def test_nothing_asked_is_nothing_answered(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat"))
    under_test.index.delete_products({})
    under_test.refresh()

    assert (under_test.index.pictures([]), under_test.index.embedded([]), under_test.index.images_of([], "products")) == ({}, {}, {})
    assert under_test.index.write([], []) == {}
    assert len(under_test.index.exact(vector(0), Selection(), size=10)) == 1


def test_an_embedding_is_found_by_the_hash_of_the_bytes(under_test: IndexUnderTest) -> None:
    under_test.write(
        indexed("hat", content="same"), indexed("copy", content="same"), indexed("mug"), vectors=[vector(1), vector(1), vector(2)]
    )

    known = under_test.index.embedded(["same", "never seen"])

    assert set(known) == {"same"}
    assert np.allclose(known["same"].vector, vector(1), atol=1e-6)
    assert known["same"].vector.dtype == np.float32
    assert (known["same"].perceptual_hash, known["same"].width, known["same"].height) == ("0f" * 32, 640, 480)


def test_pictures_of_products_are_listed_by_their_origin(under_test: IndexUnderTest) -> None:
    listed, uploaded = indexed("hat"), indexed("hat", name="side", origin="upload")
    under_test.write(listed, uploaded, indexed("mug"))

    assert under_test.index.images_of(["hat", "nobody"], "products") == {listed.image_id: "hat"}
    assert under_test.index.images_of(["hat"], "upload") == {uploaded.image_id: "hat"}


def test_a_product_is_deleted_whole_also_what_was_written_a_moment_ago(under_test: IndexUnderTest) -> None:
    under_test.index.write([(indexed("hat"), vector(0)), (indexed("hat", name="side", origin="upload"), vector(1))], [])
    under_test.index.write([(indexed("mug"), vector(2))], [])

    under_test.index.delete_products({"hat": 4_000_000_000_000, "nobody": 1})

    assert [hit.product_id for hit in under_test.index.exact(vector(0), Selection(), size=10)] == ["mug"]


def test_the_pictures_of_a_product_are_given_with_their_vectors_up_to_a_limit(under_test: IndexUnderTest) -> None:
    written = [indexed("hat", name=str(number)) for number in range(3)]
    under_test.write(*written, indexed("mug"))

    found = {each.image_id: each for each in under_test.index.stored_of("hat", 10)}

    assert set(found) == {each.image_id for each in written}
    for seed, each in enumerate(written):
        assert np.allclose(found[each.image_id].vector, vector(seed), atol=1e-6)
        assert (found[each.image_id].product_id, found[each.image_id].perceptual_hash) == ("hat", each.perceptual_hash)
    assert len(under_test.index.stored_of("hat", 2)) == 2
    assert list(under_test.index.stored_of("nobody", 10)) == []


def test_a_picture_is_given_with_its_vector_by_its_id(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat"), indexed("mug"))

    found = under_test.index.stored(indexed("mug").image_id)

    assert found is not None
    assert (found.image_id, found.product_id) == (indexed("mug").image_id, "mug")
    assert np.allclose(found.vector, vector(1), atol=1e-6)
    assert under_test.index.stored("nobody's") is None
