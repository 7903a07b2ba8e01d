"""The newest known state of each product, one document each, read and written by document id so that nothing waits for a refresh."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from lookalike.adapters.elasticsearch.client import definition, ensure_index, of_status, translate_errors
from lookalike.domain import Product
from lookalike.errors import IndexUnavailable, LookalikeError, RequestInvalid
from lookalike.indexing.product_updates import ProductState, ProductStates

BULK_RETRIES = 3


class ElasticsearchProductStates(ProductStates):
    """Storing a state is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, product_ids: Iterable[str], scope: str = "") -> dict[str, ProductState]:
        ids = [_id(product_id, scope) for product_id in product_ids]
        if not ids:
            return {}
        with translate_errors(self._name):
            found = self._client.mget(index=self._name, ids=ids)["docs"]
        if fault := next((document["error"] for document in found if "error" in document), None):
            if fault.get("type") == "index_not_found_exception":
                return {}  # nothing was stored yet; `put` creates the index
            raise IndexUnavailable(f"the states of products cannot be read: {fault.get('reason')}")
        states = [_state(document) for document in found if document.get("found")]
        return {state.product_id: state for state in states}

    def put(self, states: Iterable[ProductState], scope: str = "") -> dict[str, ProductState | LookalikeError]:
        wanted = {_id(state.product_id, scope): state for state in states}
        self._ensure()
        stored: dict[str, ProductState | LookalikeError] = {}
        with translate_errors(self._name):
            actions = [{**_condition(state), "_id": id_, **_document(state)} for id_, state in wanted.items()]
            for is_done, result in streaming_bulk(self._client, actions, index=self._name, max_retries=BULK_RETRIES, raise_on_error=False):
                [item] = result.values()
                state = wanted[item["_id"]]
                if is_done:
                    stored[state.product_id] = _with_version(state, item)
                elif item["status"] == HTTPStatus.BAD_REQUEST:
                    stored[state.product_id] = RequestInvalid(f"Elasticsearch refuses the product: {item.get('error')}")
                elif item["status"] != HTTPStatus.CONFLICT:
                    raise of_status(item["status"], str(item.get("error")))
        return stored

    def _ensure(self) -> None:
        """Before every write: a bulk request would create an index that is not there, without its mapping."""
        ensure_index(self._client, self._name, definition("product_states"))


def _id(product_id: str, scope: str) -> str:
    return blake2b(f"{scope}\0{product_id}".encode(), digest_size=16).hexdigest()


def _condition(state: ProductState) -> dict[str, Any]:
    """The operation that succeeds only if the document is still the one that was read, or still missing."""
    if state.version is None:
        return {"_op_type": "create"}
    seq_no, primary_term = state.version
    return {"_op_type": "index", "if_seq_no": seq_no, "if_primary_term": primary_term}


def _document(state: ProductState) -> dict[str, Any]:
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
