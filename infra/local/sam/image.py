"""The functions' image: built by `sam build`, and its size layer by layer.

``python -m infra.local.sam.image`` builds it and prints the sizes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.elasticsearch.distribution import Say
from infra.local.sam import stand_ins
from infra.local.sam.engine import Engine, EngineMissing, engine
from infra.local.sam.stand_ins import LAMBDA_BASE, ImageMissing
from layers.models.networks import INCEPTION_RESNET_V2, NETWORKS

SAM = [sys.executable, "-m", "samcli"]
QUIET = {"SAM_CLI_TELEMETRY": "0", "PYTHONWARNINGS": "ignore"}
PROJECT = Path(__file__).parents[3]
NAME = "onupload:latest"
"""The function that comes first gives the image its name."""

AUTHORITIES = PROJECT / "build" / "ca.pem"
"""Where layers/Dockerfile looks for certificate authorities to trust while building."""


class BuildFailed(Exception):
    """`sam build` failed; the message has the end of what it said."""


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
        BuildFailed: the message has the end of what `sam build` said.
    """
    trust(os.environ)
    log = folder / "build.log"
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Building the image with sam build (minutes the first time; its log is {log})")
    command = [
        *SAM,
        "build",
        "--template",
        "template.yaml",
        "--build-dir",
        str(template(folder).parent),
        "--parameter-overrides",
    ]
    with log.open("w") as output:
        run = subprocess.run(  # noqa: S603
            [*command, *overrides(parameters)],
            cwd=PROJECT,
            env=found.whole_environment | QUIET,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if run.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise BuildFailed(f"sam build failed. The end of {log}:\n{tail}")
    built = template(folder).read_text()
    template(folder).write_text(built.replace("${AWS::StackName}", "lookalike"))  # `sam local` would call it "local"


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """Parameters as `sam` takes them after ``--parameter-overrides``."""
    return [f"{name}={value}" for name, value in parameters.items() if value]


def trust(environment: Mapping[str, str]) -> None:
    """Copies the certificate authorities that this machine's tools are told to trust to where the Dockerfile looks for them."""
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        named = environment.get(variable)
        if named and Path(named).is_file():
            AUTHORITIES.parent.mkdir(exist_ok=True)
            if not AUTHORITIES.is_file() or AUTHORITIES.read_bytes() != Path(named).read_bytes():
                shutil.copyfile(named, AUTHORITIES)
            return


@dataclass(frozen=True)
class Layer:
    """A layer of the image: the step of the Dockerfile that made it, and its bytes."""

    made_by: str
    size_bytes: int


def layers(found: Engine, name: str = NAME) -> tuple[list[Layer], int]:
    """The layers that the Dockerfile puts on the base, first one first, and the bytes of the base.

    Both are uncompressed. A registry holds, and Lambda fetches, a compressed form.
    """
    history = found.docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}|{{.CreatedBy}}", name).splitlines()
    in_base = len(found.docker("history", "--quiet", LAMBDA_BASE.name).splitlines())
    steps = [step.partition("|") for step in history]
    own, base = steps[: len(steps) - in_base], steps[len(steps) - in_base :]
    return [Layer(_place(made_by), int(size)) for size, _, made_by in reversed(own) if int(size)], sum(int(size) for size, _, _ in base)


def _place(made_by: str) -> str:
    """The folder that a COPY filled, as either builder writes it into the image's history."""
    found = re.search(r" in (\S+)\s*$", made_by) or re.search(r"^COPY \S+ (\S+)", made_by)
    return found[1] if found else made_by


def report(found: Engine) -> str:
    """The sizes as a table."""
    own, base = layers(found)
    total = sum(layer.size_bytes for layer in own)
    rows = [(layer.made_by, CONTENTS.get(layer.made_by, ""), layer.size_bytes) for layer in own]
    lines = [f"{place:<22}{what:<42}{size / 1e6:>8.1f} MB" for place, what, size in rows]
    lines += [f"{'':<22}{'without the base':<42}{total / 1e6:>8.1f} MB", f"{'':<22}{_base(found):<42}{base / 1e6:>8.1f} MB"]
    return "\n".join(lines)


def _base(found: Engine) -> str:
    return f"the base, {LAMBDA_BASE.name if stand_ins.official(found, LAMBDA_BASE) else 'a stand-in made from Debian'}"


CONTENTS = {
    "/opt/python": "dependencies",
    "/opt/models": "the exported network",
    "/opt": "the package and the index definitions",
    "/var/task/functions": "the functions",
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.sam.image", description="Builds the functions' image and prints its size.")
    parser.add_argument("--model", default=INCEPTION_RESNET_V2.id, choices=NETWORKS)
    parser.add_argument("--random-weights", default="", metavar="SEED", help="made-up weights of the same size")
    given = parser.parse_args()
    parameters = {"ElasticsearchUrl": "http://elasticsearch:9200", "Model": given.model, "RandomWeights": given.random_weights}
    try:
        with engine(print) as found:
            stand_ins.ensure(found, print)
            build(found, PROJECT / "build" / "sam", parameters, print)
            print(report(found))
    except (EngineMissing, ImageMissing, BuildFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
