"""What every index promises to browsing: products, attributes and totals."""

from datetime import UTC, datetime, timedelta

from lookalike.search.ports import Totals

from tests.integration.contracts.index.index_under_test import IndexUnderTest
from tests.integration.samples import indexed


def test_the_pictures_of_a_product_are_given_whole(under_test: IndexUnderTest) -> None:
    written = [indexed("hat", {"price": number}, name=str(number)) for number in range(3)]
    under_test.write(*written, indexed("mug"))

    assert sorted(under_test.index.pictures_of("hat", 10), key=lambda each: each.image_url) == written
    assert len(under_test.index.pictures_of("hat", 2)) == 2
    assert list(under_test.index.pictures_of("nobody", 10)) == []


def test_attributes_are_listed_with_their_values_and_bounds_what_most_have_first(assortment: IndexUnderTest) -> None:
    found = {each.name: each for each in assortment.index.attributes(50, 10)}

    assert set(found) == {"kind", "price", "stock", "since", "size.eu", "tags"}
    assert next(iter(found)) == "price"
    assert (found["price"].pictures, found["price"].least, found["price"].most) == (4, 10, 99)
    assert {each.value: each.pictures for each in found["price"].values} == {"10": 1, "19.9": 1, "99": 1, "on request": 1}
    assert (found["kind"].pictures, found["kind"].least, found["kind"].most) == (2, None, None)
    assert found["since"].least == datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1000
    assert {each.value for each in found["tags"].values} == {"a", "b"}


def test_as_many_attributes_and_values_are_listed_as_are_asked_for(assortment: IndexUnderTest) -> None:
    found = assortment.index.attributes(1, 2)

    assert [each.name for each in found] == ["price"]
    assert len(found[0].values) == 2


def test_totals_count_products_and_pictures(under_test: IndexUnderTest) -> None:
    assert under_test.index.totals() == Totals(0, 0, None)
    assert list(under_test.index.attributes(10, 10)) == []
    under_test.write(indexed("hat"), indexed("hat", name="side"), indexed("mug"))

    totals = under_test.index.totals()

    assert (totals.products, totals.pictures) == (2, 3)
    assert totals.last_indexed_at is not None
    assert abs(totals.last_indexed_at - indexed("hat").indexed_at) < timedelta(milliseconds=1)
