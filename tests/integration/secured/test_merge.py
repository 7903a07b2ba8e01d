"""The rights of the backfill's role suffice to merge segments, and to see how that ends."""

from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.client import connect

from tests.fakes import MODEL
from tests.integration.processes import wait_for
from tests.integration.secured.server import SecuredServer

INDEX = "lookalike-merged-1"


def test_an_index_is_merged_with_the_rights_of_the_backfill(secured: SecuredServer) -> None:
    for number in range(3):
        secured.admin.index(index=INDEX, document={"product_id": f"p-{number}"}, refresh=True)
    client = connect(secured.url, secured.key("backfill"), secured.ca)
    indices = BackfillIndices(client, "lookalike", model={MODEL.id: MODEL}.__getitem__)

    task = indices.begin_merge(INDEX)
    assert task is not None
    wait_for(lambda: indices.is_merged(task))
    secured.admin.indices.refresh(index=INDEX)

    assert indices.begin_merge(INDEX) is None
