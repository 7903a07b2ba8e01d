"""The table of networks, and EfficientNet-Lite's table of blocks."""

import re

import pytest

from layers.models.networks import (
    AUTO,
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE2,
    NETWORKS,
    SALIENCY_FOLDER,
    TRAINED,
    U2NETP,
    Network,
    is_reserved,
    model_id,
    trained,
)
from layers.models.stages import STAGES, rounded, scaled

EVERY = pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: str(network.id))


@EVERY
def test_a_model_s_id_is_legal_in_an_index_s_name_and_says_if_the_weights_are_random(network: Network) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_-]*", model_id(network, 7))
    assert model_id(network) == network.id
    assert model_id(network, 7) == f"{network.id}-random-7"


@EVERY
def test_no_other_network_may_take_a_model_s_id(network: Network) -> None:
    assert is_reserved(model_id(network))
    assert is_reserved(model_id(network, 7))


def test_nor_the_name_of_what_is_no_model_but_a_network_of_one_s_own_may_be_called_like_one() -> None:
    assert all(map(is_reserved, (AUTO, U2NETP.id, SALIENCY_FOLDER)))
    assert not any(map(is_reserved, ("efficientnet_lite0-shop", "my-random-7", "clip-vit-base-patch32")))


@EVERY
def test_a_score_band_is_possible(network: Network) -> None:
    band = network.score_band
    if band is not None:
        orthogonal = 1 / (1 + 2**0.5)
        assert orthogonal <= band.unrelated_p50 < band.unrelated_p95 < band.same_class_p95 < 1
        assert band.unrelated_p50 < band.same_class_p50 < band.same_class_p95


def test_lite0_is_the_table_itself() -> None:
    assert tuple(scaled(EFFICIENTNET_LITE0)) == STAGES
    assert sum(stage.repeats for stage in STAGES) == 16


def test_lite2_is_wider_and_deeper_but_for_the_repeats_of_its_first_and_last_stage() -> None:
    stages = scaled(EFFICIENTNET_LITE2)

    assert [stage.repeats for stage in stages] == [1, 3, 3, 4, 4, 5, 1]
    assert [stage.filters for stage in stages] == [16, 24, 48, 88, 120, 208, 352]
    assert [stage[1:4] for stage in stages] == [stage[1:4] for stage in STAGES]


@pytest.mark.parametrize(("filters", "expected"), [(16, 16), (17.6, 16), (26.4, 24), (44, 48), (4, 8), (10.7, 16), (11.9, 16), (20, 24)])
def test_filters_are_multiples_of_eight_and_never_lose_more_than_a_tenth(filters: float, expected: int) -> None:
    assert rounded(filters) == expected
    assert expected >= 0.9 * filters


@pytest.mark.parametrize("network", TRAINED, ids=lambda network: str(network.id))
def test_each_network_is_there_in_int8_under_an_id_of_its_own_and_has_a_score_band_where_the_network_has_one(network: Network) -> None:
    quantised = NETWORKS[f"{network.id}-int8"]

    assert trained(quantised) is trained(network) is network
    assert quantised.is_int8
    assert (quantised.score_band is None) == (network.score_band is None)
