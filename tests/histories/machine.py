"""Random histories over both ways in and the backfill at once: at rest the index is what the newest truth says."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from lookalike.domain import Product

from tests.histories.world import GONE, NO_PICTURE, PICTURES, STEP_MS, World, away

UPLOADED = ("cup", "hat")
POSTED = ("hat", "lamp", "vase")
"""A product may come by both ways; only one that comes by the queue alone is deleted through the queue, which deletes uploads too."""

KEYS = st.sampled_from([f"images/{product_id}/{name}.png" for product_id in UPLOADED for name in ("front", "back")])
ATTRIBUTES = st.fixed_dictionaries({"price": st.integers(0, 3).map(str)})
URLS = st.lists(st.sampled_from([*(f"http://shop/{name}.png" for name in PICTURES), GONE]), min_size=1, max_size=3, unique=True)
PRODUCTS = st.builds(Product, st.sampled_from(POSTED), URLS.map(tuple), ATTRIBUTES)


class Histories(RuleBasedStateMachine):
    """Each rule is something that happens to the shop, its catalogue, the queues or the network."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self._earlier = 0

    @rule(key=KEYS, file=st.sampled_from([*PICTURES, NO_PICTURE]), metadata=ATTRIBUTES)
    def put_object(self, key: str, file: str, metadata: dict[str, Any]) -> None:
        self._tick()
        self.world.put_object(key, file, metadata)

    @rule(key=KEYS, metadata=ATTRIBUTES)
    def change_metadata(self, key: str, metadata: dict[str, Any]) -> None:
        self._tick()
        self.world.change_metadata(key, metadata)

    @rule(key=KEYS)
    def delete_object(self, key: str) -> None:
        self._tick()
        self.world.delete_object(key)

    @rule(product=PRODUCTS)
    def put_product(self, product: Product) -> None:
        self._tick()
        self.world.change_product(product.product_id, product)

    @rule(product=PRODUCTS, steps=st.integers(0, 20))
    def put_product_as_of_earlier(self, product: Product, steps: int) -> None:
        self._tick()
        self._earlier += 1
        self.world.change_product(product.product_id, product, self.world.now_ms - steps * STEP_MS - self._earlier)

    @rule(product_id=st.sampled_from([product_id for product_id in POSTED if product_id not in UPLOADED]))
    def delete_product(self, product_id: str) -> None:
        self._tick()
        self.world.change_product(product_id, None)

    @rule(product=PRODUCTS)
    def change_catalogue(self, product: Product) -> None:
        self.world.change_catalogue(product)

    @rule()
    def start_backfill(self) -> None:
        self._tick()
        self.world.start_backfill()

    @rule()
    def sync_bucket(self) -> None:
        self._tick()
        self.world.sync_bucket()

    @rule(data=st.data(), worker=st.integers(0, 1), is_acknowledged=st.booleans())
    def deliver(self, data: st.DataObject, worker: int, is_acknowledged: bool) -> None:
        """Any messages in any order; perhaps the other worker receives others while the first picture is fetched."""
        batch = self._draw(data)
        meanwhile = [parcel for parcel in self._draw(data) if parcel not in batch]
        if meanwhile:
            self.world.hosts.during_fetch = lambda: self.world.deliver(meanwhile, 1 - worker)
        self.world.deliver(batch, worker, is_acknowledged=is_acknowledged)
        self.world.hosts.during_fetch = None

    @rule(data=st.data(), product=PRODUCTS, file=st.sampled_from(sorted(PICTURES)), metadata=ATTRIBUTES)
    def change_while_it_is_indexed(self, data: st.DataObject, product: Product, file: str, metadata: dict[str, Any]) -> None:
        """What is being indexed changes, and the other worker is done with the change before the first goes on."""
        batch = self._draw(data)

        def change_and_deliver() -> None:
            before = list(self.world.parcels)
            for kind, key in {key for parcel in batch for key in self.world.keys_of(parcel)}:
                if kind == "product":
                    self.put_product(replace(product, product_id=key))
                else:
                    self.put_object(key.removeprefix("s3://bucket/"), file, metadata)
            self.world.deliver([parcel for parcel in self.world.parcels if parcel not in before], 1)

        self.world.hosts.during_fetch = change_and_deliver
        self.world.deliver(batch, 0)
        self.world.hosts.during_fetch = None

    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        self.world.parcels += self._draw(data)

    @rule()
    def redrive(self) -> None:
        self.world.redrive()

    @rule()
    def refresh(self) -> None:
        self.world.index.refresh()

    @rule(url=st.sampled_from([f"http://shop/{name}.png" for name in PICTURES]) | KEYS.map("s3://bucket/{}".format))
    def host_is_busy(self, url: str) -> None:
        self.world.hosts.busy ^= {url}

    @rule(is_away=st.booleans())
    def elasticsearch_goes_or_comes(self, is_away: bool) -> None:
        self.world.index.away = away() if is_away else None

    def teardown(self) -> None:
        self.world.come_to_rest()
        assert self.world.indexed() == self.world.expected()
        failed = {key for key, outcome in self.world.outcomes.known.items() if outcome.state == "failed" and outcome.origin == "upload"}
        assert failed == self.world.bad_objects()

    def _tick(self) -> None:
        self.world.now_ms += STEP_MS

    def _draw(self, data: st.DataObject) -> list[Any]:
        waiting = self.world.parcels
        chosen = data.draw(st.lists(st.integers(0, max(len(waiting) - 1, 0)), max_size=4, unique=True)) if waiting else []
        return [waiting[number] for number in chosen]
