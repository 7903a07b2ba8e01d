"""The functions' image, built by `sam build`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.child_process import Failure, tail
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import LAMBDA_BASE
from layers.models.export import Say

SAM = [sys.executable, "-m", "samcli"]
QUIET = {"SAM_CLI_TELEMETRY": "0", "PYTHONWARNINGS": "ignore"}
PROJECT = Path(__file__).parents[2]
NAME = "onupload:latest"
"""The function that comes first gives the image its name."""

AUTHORITIES = PROJECT / "build" / "ca.pem"
"""Where layers/Dockerfile looks for certificate authorities to trust while building."""


def template(folder: Path) -> Path:
    """The built template below a folder that `build` was given."""
    return folder / "built" / "template.yaml"


def build(found: Engine, folder: Path, parameters: Mapping[str, str], say: Say) -> None:
    """Runs `sam build` for all functions, which share one image; the engine keeps its steps, so that only what changed is built again.

    Args:
        found: the engine.
        folder: gets the built template, in which the stack is named as `sam deploy` names it, and the log.
        parameters: of the template.
        say: told what happens.

    Raises:
        Failure: the message has the end of what `sam build` said.
    """
    trust(os.environ)
    log = folder / "build.log"
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Building the image with sam build (minutes the first time; its log is {log})")
    command = [*SAM, "build", "--template", "template.yaml", "--build-dir", str(template(folder).parent), "--parameter-overrides"]
    command += overrides({"BaseImage": LAMBDA_BASE.reference(found), **parameters})
    with log.open("w") as output:
        run = subprocess.run(command, cwd=PROJECT, env=found.whole_environment | QUIET, stdout=output, stderr=output, check=False)  # noqa: S603
    if run.returncode:
        raise Failure(f"sam build failed. {tail(log, 25)}")
    built = template(folder).read_text()
    template(folder).write_text(built.replace("${AWS::StackName}", "lookalike"))  # `sam local` would call it "local"


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """Parameters as `sam` takes them after ``--parameter-overrides``."""
    return [f"{name}={value}" for name, value in parameters.items() if value]


def trust(environment: Mapping[str, str]) -> None:
    """Copies the certificate authorities that this machine's tools are told to trust to where the Dockerfile looks for them."""
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if Path(environment.get(variable, "")).is_file():
            AUTHORITIES.parent.mkdir(exist_ok=True)
            shutil.copyfile(environment[variable], AUTHORITIES)
            return
