"""House rules of `docker-compose.yml`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return document


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_each_image_is_official_pinned_and_replaceable_by_a_variable(services: dict[str, dict[str, Any]]) -> None:
    assert {name: service["image"] for name, service in services.items()} == {
        "elasticsearch": "${ELASTICSEARCH_IMAGE:-elasticsearch:9.4.3}",
        "moto": "${MOTO_IMAGE:-motoserver/moto:5.2.5}",
    }


def test_nothing_can_be_reached_from_outside_this_machine(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name


def test_every_service_says_when_it_is_ready(services: dict[str, dict[str, Any]]) -> None:
    assert all("test" in service["healthcheck"] for service in services.values())


def test_the_index_survives_a_restart_and_the_network_has_the_name_that_sam_local_joins(compose: dict[str, Any]) -> None:
    [volume] = compose["services"]["elasticsearch"]["volumes"]
    assert volume.partition(":")[0] in compose["volumes"]
    assert compose["networks"]["default"]["name"] == "${LOOKALIKE_NETWORK:-lookalike}"
