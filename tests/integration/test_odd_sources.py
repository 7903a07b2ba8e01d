"""Sources as shops have them, a thousand documents each: every one is a product with all its pictures, or a failure with its reason."""

from collections import Counter
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.sqs import messages
from lookalike.backfill.model import IndexSpec
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import PutProducts

from tests.fakes import BackfillUseCases
from tests.integration.odd_sources.documents import DOCUMENTS
from tests.integration.odd_sources.ids import IDS
from tests.integration.odd_sources.odd import Odd

Products = dict[str, set[str]]
"""Image URLs by product."""

SOURCES = IDS | DOCUMENTS


class Reading:
    """Reads a real source to its end, and keeps what was sent and what failed."""

    def __init__(self, url: str) -> None:
        self.source = ElasticsearchSource(url)
        self.use_cases = BackfillUseCases(self.source)  # type: ignore[arg-type]
        self.fan_out, self.queues = self.use_cases.make_fan_out(), self.use_cases.queues

    def read(self, spec: IndexSpec) -> None:
        self.fan_out.start(spec)
        while self.queues.slices:
            self.fan_out.read_slice(*self.queues.slices.pop())

    @property
    def sent(self) -> Iterator[tuple[str, set[str]]]:
        for message, _ in self.queues.products:
            [received] = messages.decode(messages.encode(message))
            assert isinstance(received, PutProducts)
            yield from ((product.product_id, set(product.image_urls)) for product in received.items)

    @property
    def failed(self) -> dict[str, str]:
        """The reasons of what failed, by the outcomes' keys."""
        return {key: outcome.reason or "" for key, outcome in self.use_cases.outcomes.known.items() if outcome.state == "failed"}

    def found_again(self, spec: IndexSpec, keys: list[str]) -> set[str]:
        """Those of the outcomes' keys by which a retry finds the document."""
        return {document.item_key for document in self.source.find(spec, keys)}


def _make(client: Elasticsearch, name: str, odd: Odd) -> None:
    for number, index in enumerate(odd.indices):
        mappings = {**index.mappings, "properties": index.properties} if index.properties else dict(index.mappings)
        aliases = {} if index.alias is None else {f"{name}-alias": index.alias}
        client.indices.create(index=f"{name}-{number}", mappings=mappings or None, settings=dict(index.settings) or None, aliases=aliases)
        actions = [{"_index": f"{name}-{number}", **index.document(n)} for n in index.numbers]
        helpers.bulk(client, actions, refresh=True)


@pytest.mark.parametrize("odd", SOURCES.values(), ids=SOURCES.keys())
def test_each_document_of_an_odd_source_is_accounted_for(
    elasticsearch: Elasticsearch, elasticsearch_url: str, name: str, monkeypatch: pytest.MonkeyPatch, odd: Odd
) -> None:
    monkeypatch.setattr("lookalike.backfill.fan_out.PAGE", 137)
    monkeypatch.setattr("lookalike.backfill.fan_out.SLICE_PRODUCTS", 300)
    _make(elasticsearch, name, odd)
    place = f"{name}-*" if odd.indices[0].alias is None else f"{name}-alias"
    reading, spec = Reading(elasticsearch_url), IndexSpec(place, odd.query, odd.fields)
    if odd.refused:
        with pytest.raises(RequestInvalid, match=odd.refused):
            reading.read(spec)
        return

    reading.read(spec)

    products: Products = {}
    for number in odd.indices[0].numbers:
        if expected := odd.expected(number):
            products.setdefault(expected[0], set()).update(expected[1])
    products.pop("", None)
    faults = sum(odd.expected(number) is None for number in odd.indices[0].numbers)
    sent = list(reading.sent)
    assert dict(sent) == products
    assert Counter(product_id for product_id, _ in sent).most_common(1)[0][1] == 1
    assert (len(reading.failed), all(reading.failed.values())) == (faults, True)
    keys = [*list(products)[:50], *list(reading.failed)[:50]]
    assert reading.found_again(spec, keys) == set(keys)
