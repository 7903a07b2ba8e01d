"""What the image's code may not rely on, because Lambda has it not; the rest is checked while the image is built."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from samcli.lib.bootstrap.companion_stack.companion_stack_builder import CompanionStackBuilder
from samcli.lib.bootstrap.companion_stack.data_types import CompanionStack
from samtranslator.yaml_helper import yaml_parse

from tests.unit.sam_template import ROOT, many, transform

SERVED = sorted([*(ROOT / "layers" / "lookalike").rglob("*.py"), *(ROOT / "functions").rglob("*.py")])
SHARED_MEMORY = {"multiprocessing", "concurrent.futures.process"}
DOCKERFILE = (ROOT / "layers" / "Dockerfile").read_text()


@pytest.mark.parametrize("path", SERVED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_that_serves_needs_dev_shm(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.partition(".")[0] in SHARED_MEMORY or name in SHARED_MEMORY}
    assert "ProcessPoolExecutor" not in path.read_text()


def test_the_final_image_waits_for_the_check_of_what_it_relies_on() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    assert stages[-1] == ("image", "")
    assert "COPY --from=checked" in DOCKERFILE.rpartition("FROM image")[2]
    assert "layers.models.check_image" in DOCKERFILE


def test_the_base_image_is_the_template_s_by_default() -> None:
    [base] = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert transform().resources["Search"]["Metadata"]["DockerBuildArgs"]["BASE"] == base


def test_every_build_argument_of_the_dockerfile_but_those_of_the_machine_is_the_template_s() -> None:
    arguments = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE)) - {"PIP_INDEX_URL"}
    assert set(transform().resources["Search"]["Metadata"]["DockerBuildArgs"]) == arguments


def test_one_command_pins_the_base_to_the_digest_that_it_has_now(tmp_path: Path) -> None:
    digest = "sha256:" + "7" * 64
    for name in ("Makefile", "parameters.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1 $2 $3" = "buildx imagetools inspect" ] && echo {digest}\n')
    docker.chmod(0o755)

    for _ in range(2):
        subprocess.run(["make", "pin-base"], cwd=tmp_path, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True)

    [base] = re.findall(r"^ARG BASE=([^@\n]+)@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    given = yaml.safe_load((tmp_path / "parameters.yaml").read_text())
    assert given == yaml.safe_load((ROOT / "parameters.yaml").read_text()) | {"BaseImage": f"{base}@{digest}"}


def test_both_of_docker_s_builders_can_build_it() -> None:
    for instruction in DOCKERFILE.replace("\\\n", " ").splitlines():
        assert not re.match(r"RUN --|(COPY|ADD) --(chmod|link)", instruction), instruction


def test_the_one_repository_lets_lambda_in_as_those_do_that_sam_makes() -> None:
    made = CompanionStackBuilder(CompanionStack("lookalike"))
    made.add_function("Search")
    [sam_s] = [each for each in json.loads(made.build())["Resources"].values() if each["Type"] == "AWS::ECR::Repository"]
    own = yaml_parse((ROOT / "infra" / "repository.yaml").read_text())["Resources"]["Repository"]

    def allowed(repository: Mapping[str, Any]) -> dict[str, Any]:
        [statement] = repository["Properties"]["RepositoryPolicyText"]["Statement"]
        listed = {"Action": sorted(statement["Action"]), "Principal": many(statement["Principal"]["Service"])}
        return {key: value for key, value in {**statement, **listed}.items() if key != "Sid"}

    assert allowed(own) == allowed(sam_s)


@pytest.mark.parametrize("lock", ["dev", "export"])
def test_what_exports_a_network_is_locked_for_arm_too_in_the_same_version(lock: str) -> None:
    """TensorFlow for a CPU alone has no build for Arm, where the package with the plain name has no GPU either."""
    text = (ROOT / "layers" / "locks" / f"{lock}.txt").read_text()
    locked = [Requirement(line) for line in re.findall(r"^(tensorflow\S*==.+?) \\$", text, re.MULTILINE)]
    taken = {
        machine: [
            str(each.name) + str(each.specifier) for each in locked if each.marker and each.marker.evaluate({"platform_machine": machine})
        ]
        for machine in ("x86_64", "aarch64", "arm64")
    }
    [on_x86] = taken["x86_64"]
    assert on_x86.startswith("tensorflow-cpu==")
    assert taken["aarch64"] == taken["arm64"] == [on_x86.replace("-cpu", "")]
