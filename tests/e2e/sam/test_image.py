"""The functions' image: small, without root, built once, and changed handlers rebuild its last layer only."""

import json
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import yaml

from infra.local.running_system import RunningSystem
from infra.sam import image
from infra.sam.system import SamSystem
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import LAMBDA_BASE
from layers.models.networks import U2NETP
from tests.benchmarks import image_size
from tests.e2e.sam.lambda_container import LambdaContainer, variables_of
from tests.unit.sam_template import ROOT

FORBIDDEN = ("/python/tensorflow/", "/python/keras/", "/python/pip/", "ca.pem", "/tests/")
COMPILERS = ("cc", "gcc", "c++", "clang", "cargo")


def test_without_its_base_the_image_is_smaller_than_900_mb(docker: Engine) -> None:
    own, _ = image_size.layers(docker)
    assert [layer.made_by for layer in own] == ["/opt/python", "/opt/models", "/opt", "/var/task/functions", "/opt/checked"]
    assert sum(layer.size_bytes for layer in own) <= 900_000_000


def test_the_image_holds_what_serves_and_nothing_that_builds(docker: Engine) -> None:
    walk = "import pathlib; print(*(p for top in ('/opt', '/var/task') for p in pathlib.Path(top).rglob('*') if p.is_file()), sep='\\n')"
    files = docker.docker("run", "--rm", "--entrypoint", "python3", image.NAME, "-c", walk).splitlines()
    assert len(files) > 1000
    assert not [file for file in files if any(word in file for word in FORBIDDEN)]
    found = "import shutil, sys; print(*filter(shutil.which, sys.argv[1:]))"
    assert docker.docker("run", "--rm", "--entrypoint", "python3", image.NAME, "-c", found, *COMPILERS) == ""


def test_all_functions_share_one_image(sam: SamSystem, docker: Engine) -> None:
    built = yaml.load(image.template(Path("build/sam-test")).read_text(), Loader=yaml.BaseLoader)
    functions = [each for each in built["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    assert len(functions) == 4
    assert {function["Properties"]["ImageUri"] for function in functions} == {image.NAME}


def test_a_changed_handler_rebuilds_the_last_layer_only(docker: Engine, tmp_path: Path) -> None:
    for name in ("layers", "functions", "infra/demo", ".dockerignore", "build/ca.pem"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        elif (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    before = _layers_of_a_build(docker, tmp_path)

    with (tmp_path / "functions" / "search" / "app.py").open("a") as handler:
        handler.write(f"# {uuid4()}\n")
    after = _layers_of_a_build(docker, tmp_path)

    assert before[:-2] == after[:-2]  # the last layer is the check of the base image
    assert before[-2] != after[-2]


def test_search_runs_without_root_and_without_writing_a_file(system: RunningSystem, sam: SamSystem, docker: Engine) -> None:
    assert docker.docker("image", "inspect", "--format", "{{.Config.User}}", image.NAME) == "1000"
    health = json.loads((ROOT / "tests" / "events" / "search_health.json").read_text())
    variables = variables_of(sam)
    with LambdaContainer(docker, image.NAME, "functions.search.entry.handler", variables, network=sam.server.network) as search:
        answer = search.invoke(health)
    assert answer["statusCode"] in (200, 503), answer
    assert json.loads(answer["body"])["elasticsearch"].startswith("9.")


def _layers_of_a_build(docker: Engine, folder: Path) -> list[str]:
    """By the builder that `sam build` uses, which has most of it done already."""
    tag = f"lookalike-changed:{uuid4().hex[:8]}"
    given = {"MODEL": "efficientnet_lite0", "RANDOM_WEIGHTS": "", "HEIC": "1", "TEXT": "1", "SALIENCY_MODEL": U2NETP.id}
    arguments = [f"--build-arg={name}={value}" for name, value in {**given, "BASE": LAMBDA_BASE.reference(docker)}.items()]
    command = ["docker", "build", "--quiet", "--tag", tag, "--file", "layers/Dockerfile", "--platform", "linux/amd64", *arguments, "."]
    environment = {**docker.whole_environment, "DOCKER_BUILDKIT": "0"}
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=600)
        layers: list[str] = json.loads(docker.docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))
        return layers
    finally:
        docker.docker("image", "rm", "--force", tag)
