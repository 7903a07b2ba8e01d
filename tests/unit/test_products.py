"""The products queue: what is done, tried again, or given back."""

from collections.abc import Mapping

from lookalike.domain import Product
from lookalike.errors import DownloadFailed, IndexAway, LookalikeError, Misconfigured
from lookalike.indexing import Indexing, Target
from lookalike.products import FIRST_DELAY_S, MAX_ATTEMPTS, Message, Products

from tests.fakes import FakeEmbedder, FakeIndex, FakeOutbox, FakeOutcomes, FakePictures, picture


class Bench:
    """The use case with fakes around it; ``ok`` is a good picture, ``bad`` is none."""

    def __init__(self, **errors: LookalikeError) -> None:
        files: dict[str, bytes | LookalikeError] = {"http://a/ok": picture(1), "http://a/bad": b"none"}
        self.index, self.outbox, self.outcomes = FakeIndex(), FakeOutbox(), FakeOutcomes()
        target = Target(self.index, FakeEmbedder())
        self.indexing = Indexing(
            lambda: [target],
            FakePictures(files | {f"http://a/{name}": error for name, error in errors.items()}),
            named={"here": target}.__getitem__,
        )
        self.products = Products(self.indexing, self.outcomes, self.outbox, draw=lambda: 0.0)

    def receive(self, **messages: Message) -> set[str]:
        return self.products.receive(messages)

    @property
    def states(self) -> Mapping[str, tuple[str, str | None]]:
        return {key: (outcome.state, outcome.code) for key, outcome in self.outcomes.known.items()}


def _put(*names: str, attempt: int = 0) -> Message:
    return Message(put=tuple(Product(name, (f"http://a/{name}",)) for name in names), backfill_id="b", run=1, attempt=attempt)


def test_good_and_bad_products_are_settled_and_remembered() -> None:
    bench = Bench()

    assert bench.receive(m1=_put("ok", "bad", "gone")) == set()
    assert bench.states == {"ok": ("indexed", None), "bad": ("failed", "picture_unusable"), "gone": ("failed", "picture_unreachable")}


def test_a_product_that_fails_for_a_passing_reason_is_posted_again_alone_later_each_time() -> None:
    bench = Bench(slow=DownloadFailed("slow"))

    assert bench.receive(m1=_put("ok", "slow")) == set()
    assert bench.receive(m2=_put("slow", attempt=1)) == set()

    assert [(message.put[0].product_id, message.attempt, delay) for message, delay in bench.outbox.products] == [
        ("slow", 1, FIRST_DELAY_S),
        ("slow", 2, 2 * FIRST_DELAY_S),
    ]
    assert "slow" not in bench.states


def test_a_product_that_is_too_large_to_be_posted_again_stays() -> None:
    bench = Bench(slow=DownloadFailed("slow"))
    large = Product("slow", ("http://a/slow",), {"text": "x" * 300_000})

    assert bench.receive(m1=Message(put=(large,)), m2=_put("ok")) == {"m1"}
    assert bench.outbox.products == []


def test_the_remote_may_ask_for_a_longer_wait() -> None:
    bench = Bench(slow=DownloadFailed("slow", retry_after_s=120))
    bench.receive(m1=_put("slow"))

    assert bench.outbox.products[0][1] == 120


def test_a_product_that_failed_too_often_stays_in_the_queue_and_is_remembered() -> None:
    bench = Bench(slow=DownloadFailed("slow"))

    assert bench.receive(m1=_put("slow", attempt=MAX_ATTEMPTS)) == {"m1"}
    assert bench.states == {"slow": ("failed", "download_failed")}
    assert bench.outbox.products == []


def test_our_own_fault_keeps_the_message_and_nothing_else() -> None:
    bench = Bench(ours=Misconfigured("S3 says 403"))

    assert bench.receive(m1=_put("ours"), m2=_put("ok")) == {"m1"}
    assert bench.states == {"ok": ("indexed", None)}


def test_an_index_that_is_away_keeps_every_message() -> None:
    bench = Bench()
    bench.index.away = IndexAway("gone")

    assert bench.receive(m1=_put("ok"), m2=_put("bad")) == {"m1", "m2"}


def test_of_two_messages_about_a_product_the_later_one_counts() -> None:
    bench = Bench()
    delete = Message(delete=("ok",))

    assert bench.receive(m1=_put("ok"), m2=delete) == set()
    assert bench.index.products() == set()
    assert bench.receive(m1=delete, m2=_put("ok")) == set()
    assert bench.index.products() == {"ok"}


def test_what_a_later_message_of_somebody_else_overtakes_is_settled_for_the_backfill_too() -> None:
    bench = Bench()
    own = Message(put=(Product("ok", ("http://a/ok",), {"price": 2}),))

    assert bench.receive(m1=_put("ok"), m2=own) == set()
    assert bench.states == {"ok": ("unchanged", None)}
    [(indexed, _)] = bench.index.documents.values()
    assert indexed.attributes == {"price": 2}


def test_delays_are_spread_so_that_what_failed_together_does_not_come_back_together() -> None:
    bench = Bench(slow=DownloadFailed("slow"))
    bench.products = Products(bench.indexing, bench.outcomes, bench.outbox, draw=lambda: 1.0)
    bench.receive(m1=_put("slow"))

    assert bench.outbox.products[0][1] == round(1.25 * FIRST_DELAY_S)


def test_objects_and_pictures_are_counted_by_their_own_keys() -> None:
    bench = Bench()
    bench.receive(m0=Message(put=(Product("ok", ("http://a/ok",)),)))
    [image] = bench.index.documents
    url = "s3://b/images/1.jpg"

    assert (
        bench.receive(m1=Message(mirror=(url,), backfill_id="b"), m2=Message(copy=(image,), copy_from="here", into="here", backfill_id="b"))
        == set()
    )
    assert bench.states == {url: ("deleted", None), image: ("unchanged", None)}


def test_a_message_for_one_index_takes_nothing_away_from_the_others() -> None:
    bench = Bench()
    into = Message(put=(Product("ok", ("http://a/ok",), {"price": 1}),), into="here", backfill_id="b")
    own = Message(put=(Product("ok", ("http://a/ok",), {"price": 2}),))

    assert bench.receive(m1=own, m2=into) == set()
    [(indexed, _)] = bench.index.documents.values()
    assert indexed.attributes == {"price": 2}
    assert bench.states == {"ok": ("indexed", None)}
