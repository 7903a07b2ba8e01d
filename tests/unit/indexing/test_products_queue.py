"""The products queue: what is done, sent again, or left in the queue."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from lookalike.domain import Product
from lookalike.errors import DownloadFailed, IndexUnavailable, LookalikeError, Misconfigured, TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import CopyPictures, DeleteProducts, Message, PutProducts, SyncObjects
from lookalike.indexing.outcomes import ItemOutcome, PictureOutcome
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import ProductUpdates
from lookalike.indexing.products_queue import FIRST_DELAY_S, MAX_ATTEMPTS, ProductsQueue

from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, FakeOutcomeStore, FakeProductStates, FakeQueues, picture


class ProductsQueueSetup:
    """The products queue's use case with fakes around it; ``ok`` is a good picture, ``bad`` is none."""

    def __init__(self, **errors: LookalikeError) -> None:
        files: dict[str, bytes | LookalikeError] = {"http://a/ok": picture(1), "http://a/bad": b"none"}
        self.index, self.queues, self.outcomes = FakeIndex(), FakeQueues(), FakeOutcomeStore()
        target = WriteTarget(self.index, FakeEmbedder())
        self.indexer = Indexer(
            lambda: [target],
            FakeFetcher(files | {f"http://a/{name}": error for name, error in errors.items()}),
            named={"here": target}.__getitem__,
        )
        self.products_queue = ProductsQueue(
            self.indexer, ProductUpdates(self.indexer, FakeProductStates()), self.outcomes, self.queues, draw=lambda: 0.0
        )

    def receive(self, **messages: Message) -> set[str]:
        return set(self.products_queue.receive({id_: [message] for id_, message in messages.items()}).returned)

    @property
    def states(self) -> Mapping[str, tuple[str, str | None]]:
        return {key: (outcome.state, outcome.code) for key, outcome in self.outcomes.known.items()}


def _put(*names: str, attempt: int = 0) -> Message:
    return PutProducts(tuple(Product(name, (f"http://a/{name}",)) for name in names), backfill_id="b", run=1, attempt=attempt)


def test_good_products_are_indexed_and_the_failures_of_bad_ones_recorded() -> None:
    setup = ProductsQueueSetup()

    assert setup.receive(m1=_put("ok", "bad", "gone")) == set()
    assert setup.states == {"ok": ("indexed", None), "bad": ("failed", "picture_unusable"), "gone": ("failed", "picture_unreachable")}


def test_after_a_transient_error_a_product_is_sent_again_alone_with_a_delay_that_doubles() -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("slow"))

    assert setup.receive(m1=_put("ok", "slow")) == set()
    assert setup.receive(m2=_put("slow", attempt=1)) == set()

    assert [(message.keys, message.attempt, delay) for message, delay in setup.queues.products] == [
        ((("product", "slow"),), 1, FIRST_DELAY_S),
        ((("product", "slow"),), 2, 2 * FIRST_DELAY_S),
    ]
    assert "slow" not in setup.states


def test_a_product_that_is_too_large_to_be_sent_again_stays_in_the_queue() -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("slow"))
    large = Product("slow", ("http://a/slow",), {"text": "x" * 300_000})

    assert setup.receive(m1=PutProducts((large,)), m2=_put("ok")) == {"m1"}
    assert setup.queues.products == []


def test_the_remote_may_ask_for_a_longer_wait() -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("slow", retry_after_s=120))
    setup.receive(m1=_put("slow"))

    assert setup.queues.products[0][1] == 120


def test_after_the_last_attempt_the_failure_is_recorded_and_the_message_stays_for_the_dead_letter_queue() -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("slow"))

    assert setup.receive(m1=_put("slow", attempt=MAX_ATTEMPTS)) == {"m1"}
    assert setup.states == {"slow": ("failed", "download_failed")}
    assert setup.queues.products == []


def test_a_misconfiguration_that_one_product_meets_keeps_its_message_alone_in_the_queue() -> None:
    setup = ProductsQueueSetup(ours=Misconfigured("S3 says 403"))

    assert setup.receive(m1=_put("ours"), m2=_put("ok")) == {"m1"}
    assert setup.states == {"ok": ("indexed", None)}


def test_while_the_index_is_unavailable_every_message_stays_in_the_queue() -> None:
    setup = ProductsQueueSetup()
    setup.index.away = IndexUnavailable("gone")

    assert setup.receive(m1=_put("ok"), m2=_put("bad")) == {"m1", "m2"}


def test_of_two_messages_about_a_product_the_later_one_counts() -> None:
    setup = ProductsQueueSetup()
    delete = DeleteProducts(("ok",))

    assert setup.receive(m1=_put("ok"), m2=delete) == set()
    assert setup.index.products() == set()
    assert setup.receive(m1=delete, m2=_put("ok")) == set()
    assert setup.index.products() == {"ok"}


def test_of_two_messages_about_a_product_the_newer_truth_counts_whichever_comes_last() -> None:
    setup = ProductsQueueSetup()
    put, delete = replace(_put("ok"), as_of=2), DeleteProducts(("ok",), as_of=1)

    assert setup.receive(m1=put, m2=delete) == set()
    assert setup.index.products() == {"ok"}


def test_a_deletion_that_could_not_be_done_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = ProductsQueueSetup()
    busy = PictureOutcome("ok", "", "failed", TransientError("the product changes faster than it can be indexed"))
    monkeypatch.setattr(ProductUpdates, "apply", lambda *_, **__: iter([busy]))

    assert setup.receive(m1=DeleteProducts(("ok",), as_of=1)) == set()
    assert [message for message, _ in setup.queues.products] == [DeleteProducts(("ok",), as_of=1, attempt=1)]


def test_a_backfill_s_item_that_a_later_message_of_the_shop_replaces_counts_as_unchanged() -> None:
    setup = ProductsQueueSetup()
    own = PutProducts((Product("ok", ("http://a/ok",), {"price": 2}),))

    assert setup.receive(m1=_put("ok"), m2=own) == set()
    assert setup.states == {"ok": ("unchanged", None)}
    [(indexed, _)] = setup.index.documents.values()
    assert indexed.attributes == {"price": 2}


def test_delays_have_jitter_so_that_what_failed_together_is_not_retried_together() -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("slow"))
    setup.products_queue = ProductsQueue(
        setup.indexer, ProductUpdates(setup.indexer, FakeProductStates()), setup.outcomes, setup.queues, draw=lambda: 1.0
    )
    setup.receive(m1=_put("slow"))

    assert setup.queues.products[0][1] == round(1.25 * FIRST_DELAY_S)


def test_objects_and_pictures_are_counted_by_their_own_keys() -> None:
    setup = ProductsQueueSetup()
    setup.receive(m0=PutProducts((Product("ok", ("http://a/ok",)),)))
    [image] = setup.index.documents
    url = "s3://b/images/1.jpg"

    assert (
        setup.receive(m1=SyncObjects((url,), backfill_id="b"), m2=CopyPictures((image,), source_index="here", into="here", backfill_id="b"))
        == set()
    )
    assert setup.states == {url: ("deleted", None), image: ("unchanged", None)}


def test_a_message_for_one_index_does_not_replace_one_for_all_indices() -> None:
    setup = ProductsQueueSetup()
    into = PutProducts((Product("ok", ("http://a/ok",), {"price": 1}),), into="here", backfill_id="b")
    own = PutProducts((Product("ok", ("http://a/ok",), {"price": 2}),))

    assert setup.receive(m1=own, m2=into) == set()
    [(indexed, _)] = setup.index.documents.values()
    assert indexed.attributes == {"price": 2}
    assert setup.states == {"ok": ("indexed", None)}


def test_what_there_is_no_time_for_is_sent_again_at_once_and_unharmed() -> None:
    setup = ProductsQueueSetup()

    result = setup.products_queue.receive({"m1": [_put("ok", "bad")]}, stop_at=0.0)

    assert result.returned == {}
    assert [(message.keys, message.attempt, delay_s) for message, delay_s in setup.queues.products] == [
        ((("product", "ok"),), 0, 0),
        ((("product", "bad"),), 0, 0),
    ]
    assert setup.states == {}


def test_a_batch_that_is_given_back_says_why() -> None:
    setup = ProductsQueueSetup()
    setup.index.away = IndexUnavailable("Elasticsearch cannot be reached")

    result = setup.products_queue.receive({"m1": [_put("ok")], "m2": [_put("bad")]})

    assert result.returned == dict.fromkeys(["m1", "m2"], "index_away: Elasticsearch cannot be reached")


def test_a_product_is_sent_again_once_however_often_its_outcomes_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = ProductsQueueSetup(slow=DownloadFailed("busy"))

    def refuse(outcomes: Iterable[ItemOutcome]) -> None:
        if list(outcomes):
            raise IndexUnavailable("the outcomes cannot be written")

    with monkeypatch.context() as patched:
        patched.setattr(setup.outcomes, "record", refuse)
        assert [setup.receive(m1=_put("ok", "slow", "bad")) for _ in range(5)] == [{"m1"}] * 5
    assert setup.queues.products == []

    assert setup.receive(m1=_put("ok", "slow", "bad")) == set()
    assert len(setup.queues.products) == 1


def test_credentials_in_an_address_are_in_no_document_and_in_no_outcome_and_make_no_other_picture() -> None:
    setup = ProductsQueueSetup()
    fetched = setup.indexer._pictures.files  # type: ignore[attr-defined]
    fetched |= {f"https://{who}@a/hat.jpg": picture(1) for who in ("us:old", "us:new")}

    for who in ("us:old", "us:new"):
        setup.receive(m1=PutProducts((Product("hat", (f"https://{who}@a/hat.jpg",)), Product("mug", (f"https://{who}@a/mug.jpg",)))))

    assert [known.image_url for known, _ in setup.index.documents.values()] == ["https://a/hat.jpg"]
    assert setup.outcomes.known["mug"].image_url == "https://a/mug.jpg"


def test_an_object_whose_key_names_no_product_fails_alone() -> None:
    setup = ProductsQueueSetup()

    assert setup.receive(m1=SyncObjects(("s3://b/other/a.jpg", "s3://b/images/gone.jpg"), backfill_id="b", run=1), m2=_put("ok")) == set()
    assert setup.states["s3://b/other/a.jpg"] == ("failed", "request_invalid")
    assert setup.states["ok"] == ("indexed", None)


def test_pictures_that_wait_for_one_index_hold_up_no_other() -> None:
    setup = ProductsQueueSetup()
    copies = {source: CopyPictures(("x",), source_index=source, into="here", backfill_id="b", run=1) for source in ("here", "gone")}

    def named(name: str) -> WriteTarget:
        if name == "gone":
            raise IndexUnavailable("no such index")
        return WriteTarget(setup.index, FakeEmbedder())

    setup.indexer._named = named
    assert setup.receive(m1=copies["gone"], m2=copies["here"]) == {"m1"}
