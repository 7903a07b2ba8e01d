"""Products in the order of their truth, whatever order their messages come in, and whichever other process writes meanwhile."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lookalike.domain import PictureFile, Product
from lookalike.errors import DownloadFailed
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import PutProducts
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import MAX_FORMER_URLS, ProductState, ProductUpdates
from lookalike.indexing.products_queue import ProductsQueue

from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, FakeOutcomeStore, FakeProductStates, FakeQueues, picture

PICTURES = {f"http://a/{n}": picture(n) for n in range(6)}


class InterruptedFetcher(FakeFetcher):
    """Lets another process write while the first picture is fetched: calls ``during_fetch`` once."""

    during_fetch: Callable[[], None] | None = None

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        if self.during_fetch:
            interruption, self.during_fetch = self.during_fetch, None
            interruption()
        return super().fetch(url, unless)


class ProductUpdatesSetup:
    """Updates into an index whose searches see nothing until it is refreshed."""

    def __init__(self) -> None:
        self.index, self.states, self.fetcher = FakeIndex(is_delayed=True), FakeProductStates(), InterruptedFetcher(PICTURES)
        target = WriteTarget(self.index, FakeEmbedder())
        self.indexer = Indexer(lambda: [target], self.fetcher, named=lambda _: target)
        self.updates = ProductUpdates(self.indexer, self.states)

    def apply(self, *changes: ProductState) -> list[str]:
        return [outcome.state for outcome in self.updates.apply(changes)]

    def indexed(self) -> set[tuple[str, str, int]]:
        """Product, picture and price of all that is indexed."""
        return {(p.product_id, p.image_url, p.attributes["price"]) for p, _ in self.index.documents.values()}


def _put(as_of: int, *pictures: int, price: int = 1, product_id: str = "hat") -> ProductState:
    return ProductState(product_id, as_of, Product(product_id, tuple(f"http://a/{n}" for n in pictures), {"price": price}))


def _delete(as_of: int, product_id: str = "hat") -> ProductState:
    return ProductState(product_id, as_of, None)


def test_an_older_put_changes_nothing() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(2, 0, price=2))

    assert setup.apply(_put(1, 1, price=1)) == ["unchanged"]
    assert setup.indexed() == {("hat", "http://a/0", 2)}


def test_a_put_without_image_urls_fails_and_takes_no_picture_away() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(1, 0))

    assert setup.apply(_put(2)) == ["failed"]
    assert setup.indexed() == {("hat", "http://a/0", 1)}


def test_an_older_put_does_not_bring_a_deleted_product_back_nor_an_older_delete_take_a_newer_one_away() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(1, 0))
    setup.apply(_delete(3))
    assert setup.apply(_put(2, 0)) == ["unchanged"]
    assert setup.indexed() == set()

    setup.apply(_put(5, 1))
    setup.apply(_delete(4))
    assert setup.indexed() == {("hat", "http://a/1", 1)}


def test_a_picture_that_is_no_longer_listed_goes_though_no_search_has_seen_it_yet() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(1, 0, 1))
    setup.apply(_put(2, 1, 2))

    assert setup.indexed() == {("hat", "http://a/1", 1), ("hat", "http://a/2", 1)}


def test_a_picture_goes_that_a_killed_process_wrote_of_an_older_message() -> None:
    setup = ProductUpdatesSetup()
    killed_before_it_stored_the_state = setup.indexer.put([Product("hat", ("http://a/0",), {"price": 1})])
    list(killed_before_it_stored_the_state)
    setup.apply(_put(2, 1))
    setup.apply(_put(1, 0))

    assert setup.indexed() == {("hat", "http://a/1", 1)}


def test_a_process_that_wrote_an_older_state_meanwhile_repeats() -> None:
    for newer in (_put(2, 1, price=2), _delete(2)):
        setup = ProductUpdatesSetup()
        setup.fetcher.during_fetch = lambda newer=newer, setup=setup: setup.apply(newer)
        setup.apply(_put(1, 0, price=1))

        assert setup.indexed() == ({("hat", "http://a/1", 2)} if newer.product else set())


def test_the_same_message_again_writes_nothing_anew() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(1, 0))
    version = setup.states.get(["hat"])["hat"].version

    assert setup.apply(_put(1, 0)) == ["unchanged"]
    assert setup.states.get(["hat"])["hat"].version == version


def test_former_addresses_are_bounded() -> None:
    state = _put(1)
    for number in range(MAX_FORMER_URLS + 10):
        state = ProductState("hat", number + 2, Product("hat", (f"http://a/new-{number}",))).after(state)

    assert len(state.former_urls) == MAX_FORMER_URLS
    assert state.former_urls[0] == f"http://a/new-{MAX_FORMER_URLS + 8}"


def test_a_retry_keeps_the_time_of_its_first_message_and_loses_against_a_newer_one() -> None:
    setup, queues = ProductUpdatesSetup(), FakeQueues()
    queue = ProductsQueue(setup.indexer, setup.updates, FakeOutcomeStore(), queues, draw=lambda: 0.0)
    setup.fetcher.files["http://a/0"] = DownloadFailed("busy")
    old, new = _put(1, 0).product, _put(2, 1, price=2).product
    assert old
    assert new
    queue.receive({"m1": [PutProducts((old,), as_of=1)]})
    [(retry, _)] = queues.products
    queue.receive({"m2": [PutProducts((new,), as_of=2)]})
    setup.fetcher.files["http://a/0"] = PICTURES["http://a/0"]
    queue.receive({"m3": [retry]})

    assert retry.as_of == 1
    assert setup.indexed() == {("hat", "http://a/1", 2)}


def test_what_is_written_into_one_index_alone_does_not_become_the_truth_of_all() -> None:
    setup = ProductUpdatesSetup()
    list(setup.updates.apply([_put(5, 1, price=5)], into="new"))
    setup.apply(_put(1, 0, price=1))

    assert setup.states.get(["hat"])["hat"].as_of == 1


def test_what_is_known_of_all_indices_is_newer_than_an_older_message_for_one() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_put(5, 1, price=5))
    list(setup.updates.apply([_put(3, 0, price=3)], into="new"))

    assert setup.indexed() == {("hat", "http://a/1", 5)}


def test_an_upload_that_came_after_the_deletion_stays_whatever_message_comes_late() -> None:
    setup = ProductUpdatesSetup()
    setup.apply(_delete(10))
    setup.fetcher.files["s3://b/images/hat.png"] = PICTURES["http://a/3"]
    list(setup.indexer.sync({"s3://b/images/hat.png": "hat"}))
    setup.apply(_put(5, 0))
    setup.apply(_delete(10))

    assert {picture.image_url for picture, _ in setup.index.documents.values()} == {"s3://b/images/hat.png"}


CHANGES = st.builds(
    lambda product_id, pictures: (product_id, pictures),
    st.sampled_from(["hat", "mug"]),
    st.none() | st.lists(st.integers(0, 5), min_size=1, max_size=3),
)


@settings(max_examples=60)
@given(changes=st.lists(CHANGES, min_size=1, max_size=8), data=st.data())
def test_at_rest_the_index_holds_the_newest_truth_whatever_the_order_of_messages(
    changes: Sequence[tuple[str, list[int] | None]], data: st.DataObject
) -> None:
    states = [
        _delete(as_of, product_id) if pictures is None else _put(as_of, *dict.fromkeys(pictures), price=as_of, product_id=product_id)
        for as_of, (product_id, pictures) in enumerate(changes, start=1)
    ]
    setup = ProductUpdatesSetup()
    deliveries = data.draw(st.permutations([*states, *data.draw(st.lists(st.sampled_from(states), max_size=4))]))
    for state in deliveries:
        if data.draw(st.booleans()):
            setup.index.refresh()
        setup.apply(state)

    newest = {state.product_id: state for state in states}
    assert setup.indexed() == {(id_, url, state.as_of) for id_, state in newest.items() for url in state.urls}


def test_an_older_change_of_every_index_does_not_undo_what_was_written_to_one_alone() -> None:
    indices = {name: FakeIndex(name=name) for name in ("old", "new")}
    targets = {name: WriteTarget(index, FakeEmbedder()) for name, index in indices.items()}
    indexer = Indexer(lambda: list(targets.values()), FakeFetcher(PICTURES), named=targets.__getitem__)
    updates = ProductUpdates(indexer, FakeProductStates())
    list(updates.apply([_put(2, 2, price=2)], "new"))

    list(updates.apply([_put(1, 1, price=1)]))

    found = {name: [(p.image_url, p.attributes["price"]) for p, _ in index.documents.values()] for name, index in indices.items()}
    assert found == {"old": [("http://a/1", 1)], "new": [("http://a/2", 2)]}


def test_what_another_process_changed_meanwhile_is_written_though_no_picture_should_be_started_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup, now = ProductUpdatesSetup(), [0.0]
    monkeypatch.setattr("lookalike.indexing.pipeline.time.monotonic", lambda: now[0])

    def change_later() -> None:
        setup.apply(_put(2, 1, price=2))
        now[0] = 10.0

    setup.fetcher.during_fetch = change_later

    list(setup.updates.apply([_put(1, 0)], stop_at=5.0))

    assert setup.indexed() == {("hat", "http://a/1", 2)}
