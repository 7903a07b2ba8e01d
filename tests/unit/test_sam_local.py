"""What can be known of the deployed shape on this machine without a container."""

import os
import re
from pathlib import Path

import pytest
import yaml

from infra.local.elasticsearch import distribution
from infra.sam import image
from infra.sam.without_registry import stand_ins
from infra.sam.without_registry.engine import Engine
from tests.benchmarks import image_size
from tests.unit.sam_template import ROOT


def test_stand_ins_have_the_names_that_the_dockerfile_and_the_compose_file_ask_for() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", (ROOT / "layers" / "Dockerfile").read_text(), re.MULTILINE)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    defaults = {re.sub(r"^\$\{\w+:-(.+)\}$", r"\1", service["image"]) for service in services.values()}
    assert base
    assert {image.official for image in stand_ins.IMAGES} == {base[1], *defaults}


def test_stand_ins_are_of_the_releases_that_their_names_say() -> None:
    assert stand_ins.ELASTICSEARCH.name.endswith(f":{distribution.VERSION}")
    assert stand_ins.AWS.name.rpartition(":")[2] == stand_ins.MOTO.rpartition("==")[2]
    assert re.search(rf"^moto\[.+\]=={re.escape(stand_ins.MOTO.rpartition('==')[2])} ", _lock("dev"), re.MULTILINE)


@pytest.mark.parametrize(
    ("official_is_there", "built_on", "label"),
    [(True, stand_ins.LAMBDA_BASE.official, ""), (False, stand_ins.LAMBDA_BASE.name, "recipe")],
)
def test_the_image_is_built_on_the_pinned_base_and_without_a_registry_on_its_stand_in(
    tmp_path: Path, official_is_there: bool, built_on: str, label: str
) -> None:
    docker = tmp_path / "docker"
    official = '[ "$3" = --format ] || echo "[]"' if official_is_there else "exit 1"
    docker.write_text(f'#!/bin/sh\nfor last; do :; done\ncase "$last" in *@sha256:*) {official};; *) echo recipe;; esac\n')
    docker.chmod(0o755)
    engine = Engine({"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert stand_ins.LAMBDA_BASE.reference(engine) == built_on
    assert stand_ins.LAMBDA_BASE.label(engine) == label


def test_every_stand_in_has_a_recipe_that_begins_with_the_same_debian() -> None:
    for official in stand_ins.IMAGES:
        dockerfile = (stand_ins.RECIPES / official.recipe / "Dockerfile").read_text()
        assert f"FROM {stand_ins.BASE}\n" in dockerfile, official.name


@pytest.mark.parametrize(
    "made_by",
    [
        "/bin/sh -c #(nop) COPY dir:54b26124d7eaaad8 in /opt/python ",
        "COPY /opt/python /opt/python # buildkit",
    ],
)
def test_a_layer_is_called_by_the_folder_that_it_fills_whichever_builder_made_it(made_by: str) -> None:
    assert image_size._place(made_by) == "/opt/python"


def test_parameters_without_a_value_are_left_to_the_template() -> None:
    assert image.overrides({"Model": "efficientnet_lite0", "RandomWeights": ""}) == ["Model=efficientnet_lite0"]


def test_certificate_authorities_are_copied_to_where_the_dockerfile_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundle.crt").write_text("certificates")
    monkeypatch.setattr(image, "AUTHORITIES", tmp_path / "build" / "ca.pem")
    image.trust({"PIP_CERT": str(tmp_path / "absent.crt"), "SSL_CERT_FILE": str(tmp_path / "bundle.crt")})
    assert (tmp_path / "build" / "ca.pem").read_text() == "certificates"


def _lock(name: str) -> str:
    return (ROOT / "layers" / "locks" / f"{name}.txt").read_text()
