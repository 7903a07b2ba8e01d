"""The size of the functions' image, layer by layer: ``python -m tests.benchmarks.image_size`` builds it and prints the sizes."""

import argparse
import re
from dataclasses import dataclass

from infra.local.child_process import ended_by_signals
from infra.sam.image import NAME, PROJECT, build
from infra.sam.without_registry import stand_ins
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import LAMBDA_BASE
from layers.models.networks import INCEPTION_RESNET_V2, NETWORKS


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
    in_base = len(found.docker("history", "--quiet", LAMBDA_BASE.reference(found)).splitlines())
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
    is_official = LAMBDA_BASE.label(found) == ""
    return f"the base, {LAMBDA_BASE.name if is_official else 'a stand-in made from Debian'}"


CONTENTS = {
    "/opt/python": "dependencies",
    "/opt/models": "the exported network",
    "/opt": "the package and the index definitions",
    "/var/task/functions": "the functions",
    "/opt/checked": "the check of the base image",
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.image_size", description="Builds the functions' image and prints its size."
    )
    parser.add_argument("--model", default=INCEPTION_RESNET_V2.id, choices=NETWORKS)
    parser.add_argument("--random-weights", default="", metavar="SEED", help="made-up weights of the same size")
    parser.add_argument("--options", nargs="*", default=(), metavar="PARAMETER=VALUE", help="such as Heic=1 Text=1 SaliencyModel=u2netp")
    given = parser.parse_args()
    parameters = {"ElasticsearchUrl": "http://elasticsearch:9200", "Model": given.model, "RandomWeights": given.random_weights}
    parameters |= dict(option.split("=", 1) for option in given.options)
    with ended_by_signals(), stand_ins.engine_with_images(print) as found:
        build(found, PROJECT / "build" / "sam", parameters, print)
        print(report(found))


if __name__ == "__main__":
    main()
