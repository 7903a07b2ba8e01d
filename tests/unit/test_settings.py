"""Settings: everything that is wrong is said at once."""

from typing import get_args

import pytest
from lookalike.domain import IndexOptions, IndexType
from lookalike.errors import Misconfigured
from lookalike.settings import Settings


def test_every_fault_is_in_one_error() -> None:
    environment = {
        "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": "localhost",
        "LOOKALIKE_PRESIGNED_URL_EXPIRY_S": "7200",
    }

    with pytest.raises(Misconfigured, match=r"PRIVATE_IMAGE_ORIGINS.*EXPIRY_S.*ELASTICSEARCH_URL is missing"):
        Settings.load(environment)


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = Settings.load(
        {"LOOKALIKE_ELASTICSEARCH_URL": "https://a:9200", "LOOKALIKE_ALIAS": "", "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": "A:80, b:81"}
    )

    assert (settings.alias, settings.private_image_origins) == ("lookalike", frozenset({"a:80", "b:81"}))


URL = {"LOOKALIKE_ELASTICSEARCH_URL": "https://a:9200"}


def load(**variables: str) -> Settings:
    return Settings.load(URL | {f"LOOKALIKE_{name}": value for name, value in variables.items()})


def test_index_options_that_are_not_set_have_their_defaults() -> None:
    assert load().index_options == IndexOptions(shards=1, replicas=None, type="bbq_hnsw", oversample=3.0)


def test_index_options_are_read() -> None:
    options = load(INDEX_SHARDS="12", INDEX_REPLICAS="0", INDEX_TYPE="int8_hnsw", INDEX_OVERSAMPLE="2.5").index_options

    assert options == IndexOptions(shards=12, replicas=0, type="int8_hnsw", oversample=2.5)


@pytest.mark.parametrize(("text", "merges"), [("", True), ("true", True), ("false", False), ("True", True), ("False", False)])
def test_whether_a_filled_index_is_merged_is_read(text: str, merges: bool) -> None:
    assert load(INDEX_MERGE=text).index_merge is merges


@pytest.mark.parametrize("index_type", get_args(IndexType))
def test_every_index_type_can_be_chosen(index_type: IndexType) -> None:
    assert load(INDEX_TYPE=index_type).index_options.type == index_type


@pytest.mark.parametrize(
    ("name", "least", "most"), [("INDEX_SHARDS", "1", "1024"), ("INDEX_REPLICAS", "0", "20"), ("INDEX_OVERSAMPLE", "1", "10")]
)
def test_the_bounds_themselves_are_allowed(name: str, least: str, most: str) -> None:
    for value in (least, most):
        load(**{name: value})


WRONG = {
    "INDEX_SHARDS": ["0", "1025", "-1", "1.5", "many"],
    "INDEX_REPLICAS": ["-1", "21", "0-1", "all"],
    "INDEX_TYPE": ["hnsw8", "BBQ_HNSW", "bbq"],
    "INDEX_OVERSAMPLE": ["0", "0.9", "10.1", "-3", "nan", "inf", "1e1", "much"],
    "INDEX_MERGE": ["yes", "1", "on"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_index_option_is_refused_with_its_name_and_value(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"LOOKALIKE_{name} is '{value}': it must be "):
        load(**{name: value})


def test_placeholders_are_perceptual_hashes() -> None:
    assert load(PLACEHOLDER_HASHES=f" {'A' * 64}, {'1' * 64} ,").placeholder_hashes == {"a" * 64, "1" * 64}
    for value in ("a" * 63, f"{'a' * 64} {'b' * 64}", "no-image"):
        with pytest.raises(Misconfigured, match=r"LOOKALIKE_PLACEHOLDER_HASHES has .* 64 hex digits"):
            load(PLACEHOLDER_HASHES=value)
