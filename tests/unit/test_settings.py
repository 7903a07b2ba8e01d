"""Settings: everything that is wrong is said at once."""

import pytest
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
