"""What memory a function that embeds should have: ``python -m tests.benchmarks.power [NETWORK]``, as root.

Lambda gives a function a share of processors by its memory, one whole one at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Here a process is held to that share by a control group
of Linux, and to AVX2, and embeds pictures; what it takes, times the memory, is what it costs.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.costs import PRICES, PRICES_AS_OF
from layers.models import export
from layers.models.networks import INCEPTION_RESNET_V2, NETWORKS, TRAINED, model_id
from tests.benchmarks.embedding import MODELS, Place, apart, move_to, ms_a_picture, seed_of
from tests.benchmarks.rows import Row, command

A_PROCESSOR_MB = 1769
MEMORY_MB = (1024, 1769, 2048, 3008, 3538)
BATCH = 8
PERIOD_US = 100_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.power", description="What memory a function that embeds should have.")
    names = [network.id for network in TRAINED]
    parser.add_argument("network", nargs="?", choices=names, default=INCEPTION_RESNET_V2.id, help="the default's weights are random")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each size of memory, beside the size that template.yaml has."""
    if os.geteuid():
        print("not measured: only root can make a control group")
        return
    name = export.ensure(given.network, MODELS, print, seed_of(NETWORKS[given.network]))
    place = Place(len(os.sched_getaffinity(0)), "AVX2")
    measured = {size: _measured(place, given.network, size) for size in MEMORY_MB if size <= place.cores * A_PROCESSOR_MB}
    for size, ms in measured.items():
        dollars = 1000 * ms * size / 1024 * PRICES["Lambda, GB-second"]
        note = f"{dollars:.2f} US$ of {PRICES_AS_OF} a million, {size / A_PROCESSOR_MB:.2f} processors, AVX2"
        yield Row(f"{size:,} MB, {name}", ms, "ms a picture", "3,008 MB", measured.get(3008, ms), note=note)


def _measured(place: Place, network_id: str, memory_mb: int) -> float:
    with _control_group(memory_mb / A_PROCESSOR_MB) as group:
        return apart(place, measure_held, network_id, group)["ms"]


def measure_held(place: Place, network_id: str, group: Path) -> dict[str, float]:
    """Milliseconds of a picture (``ms``) in this process, once it is in the control group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))
    move_to(place)
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

    network = NETWORKS[network_id]
    embedder = OpenVinoEmbedder(MODELS / model_id(network, seed_of(network)), "THROUGHPUT")
    return {"ms": ms_a_picture(embedder.embed, network, BATCH)}


@contextmanager
def _control_group(processors: float) -> Iterator[Path]:
    """The folder of a control group that has so many processors, of version 1 or 2."""
    quota = round(processors * PERIOD_US)
    first = Path("/sys/fs/cgroup/cpu")
    group = (first if first.is_dir() else Path("/sys/fs/cgroup")) / f"lookalike-power-{os.getpid()}"
    group.mkdir()
    try:
        if first.is_dir():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        yield group
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
