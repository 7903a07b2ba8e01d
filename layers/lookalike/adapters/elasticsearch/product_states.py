"""The newest state of each product in Elasticsearch, read and written by document id, so that nothing depends on a refresh."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.client import of_status
from lookalike.adapters.elasticsearch.state_index import Body, StateIndex, document_id
from lookalike.domain import Product
from lookalike.errors import LookalikeError, RequestInvalid
from lookalike.indexing.product_updates import ProductState, ProductStates


class ElasticsearchProductStates(ProductStates):
    """Storing a state is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._index = StateIndex(client, name, "product_states")

    def get(self, product_ids: Iterable[str], scope: str = "") -> dict[str, ProductState]:
        found = self._index.documents([document_id(scope, product_id) for product_id in product_ids])
        return {state.product_id: state for state in map(_state, found.values())}

    def put(self, states: Iterable[ProductState], scope: str = "") -> dict[str, ProductState | LookalikeError]:
        wanted = {document_id(scope, state.product_id): state for state in states}
        answers = self._index.bulk([{**_condition(state), "_id": id_, "_source": _source(state)} for id_, state in wanted.items()])
        stored: dict[str, ProductState | LookalikeError] = {}
        for id_, answer in answers.items():
            state = wanted[id_]
            if "error" not in answer:
                stored[state.product_id] = _with_version(state, answer)
            elif answer["status"] == HTTPStatus.BAD_REQUEST:
                stored[state.product_id] = RequestInvalid(f"Elasticsearch refuses the product: {answer['error']}")
            elif answer["status"] != HTTPStatus.CONFLICT:
                raise of_status(answer["status"], str(answer["error"]))
        return stored


def _condition(state: ProductState) -> Body:
    """The operation that succeeds only if the document is still the one that was read, or still missing."""
    if state.version is None:
        return {"_op_type": "create"}
    seq_no, primary_term = state.version
    return {"_op_type": "index", "if_seq_no": seq_no, "if_primary_term": primary_term}


def _source(state: ProductState) -> Body:
    return {
        "product_id": state.product_id,
        "as_of": state.as_of,
        "is_deleted": state.product is None,
        "image_urls": list(state.urls),
        "former_urls": list(state.former_urls),
        "attributes": state.product.attributes if state.product else {},
    }


def _with_version(state: ProductState, item: Mapping[str, Any]) -> ProductState:
    return ProductState(state.product_id, state.as_of, state.product, state.former_urls, (item["_seq_no"], item["_primary_term"]))


def _state(document: Mapping[str, Any]) -> ProductState:
    source = document["_source"]
    product = None if source["is_deleted"] else Product(source["product_id"], tuple(source["image_urls"]), source["attributes"])
    state = ProductState(source["product_id"], source["as_of"], product, tuple(source["former_urls"]))
    return _with_version(state, document)
