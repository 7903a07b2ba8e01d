"""An index that is filled beside the one that is searched, until the alias is moved to it."""

from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.backfill.model import Into
from lookalike.errors import RequestInvalid

from tests.fakes import MODEL
from tests.integration.samples import OTHER_MODEL


def test_an_index_that_is_filled_is_written_from_then_on_and_not_searched(indices: BackfillIndices, name: str) -> None:
    [first] = indices.written(MODEL)

    assert indices.begin_dual_write(Into("other")) == f"{name}-other-1"
    assert [info.name for info in indices.written(MODEL)] == [first.name, f"{name}-other-1"]
    assert indices.searched() == first.name
    assert indices.begin_dual_write(Into("other")) == f"{name}-other-1"


def test_the_name_of_an_index_may_be_given_and_otherwise_has_the_models_next_number(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    create("fake-7", MODEL, name)

    assert indices.begin_dual_write(Into("fake")) == f"{name}-fake-8"
    indices.end_dual_write(f"{name}-fake-8")
    assert indices.begin_dual_write(Into("other", f"{name}-spring")) == f"{name}-spring"


def test_after_the_end_of_dual_write_the_index_is_kept_and_not_written(indices: BackfillIndices, elasticsearch: Elasticsearch) -> None:
    [first] = indices.written(MODEL)
    new = indices.begin_dual_write(Into("other"))
    indices.end_dual_write(new)
    indices.end_dual_write(new)

    assert indices.written(MODEL) == [first]
    assert elasticsearch.indices.exists(index=new)
    assert indices.begin_dual_write(Into("other", new)) == new


@pytest.mark.parametrize("into", [Into("fake"), Into("fake", "{}-other-1"), Into("other", "elsewhere")], ids=str)
def test_dual_write_is_refused_beside_another_one_or_for_another_model_or_under_a_strange_name(
    indices: BackfillIndices, name: str, into: Into
) -> None:
    indices.written(MODEL)
    indices.begin_dual_write(Into("other"))
    if into.index == "elsewhere":
        indices.end_dual_write(f"{name}-other-1")

    with pytest.raises(RequestInvalid):
        indices.begin_dual_write(Into(into.model, into.index.format(name) if into.index else None))


def test_a_switch_moves_the_alias_at_once_and_keeps_the_old_index(
    indices: BackfillIndices, elasticsearch: Elasticsearch, name: str
) -> None:
    [old] = indices.written(MODEL)
    new = indices.begin_dual_write(Into("other"))

    assert indices.switch(new) == old.name

    assert (indices.current().name, [info.name for info in indices.written(MODEL)]) == (new, [new])
    assert elasticsearch.indices.exists(index=old.name)
    assert indices.switch(new) is None
    assert indices.begin_dual_write(Into("other", new)) == new
    assert [info.name for info in indices.written(MODEL)] == [new]


def test_the_first_index_may_be_one_that_was_switched_to(indices: BackfillIndices, name: str) -> None:
    new = indices.begin_dual_write(Into("other"))

    assert indices.switch(new) is None
    assert indices.current().name == new


def test_a_fresh_answer_knows_an_index_that_another_process_began_to_fill(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    create("fake-1", MODEL, name)
    assert len(indices.written(MODEL)) == 1
    new = create("other-1", OTHER_MODEL, f"{name}-next")

    assert len(indices.written(MODEL)) == 1
    assert [info.name for info in indices.written(MODEL, is_fresh=True)][1:] == [new]
