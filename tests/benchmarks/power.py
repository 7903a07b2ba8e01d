"""What memory a function that embeds should have: ``python -m tests.benchmarks.power [NETWORK]``, as root.

Lambda gives a function a share of processors by its memory, one whole one at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Here a process is held to that share by a control group
of Linux, and to AVX2, and embeds pictures; what it takes, times the memory, is what it costs.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from infra.costs import PRICES, PRICES_AS_OF
from layers.models import export
from tests.benchmarks.rows import Row, command

MODELS = Path("build/models")
A_PROCESSOR_MB = 1769
MEMORY_MB = (1024, 1769, 2048, 3008, 3538)
PERIOD_US = 100_000
BATCH, BATCHES = 8, 4


def main() -> None:
    """The command; with ``--child`` the process that is held back."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.power", description="What memory a function that embeds should have.")
    parser.add_argument("network", nargs="?", default="inception_resnet_v2", help="with random weights if it is this one")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    if child := parser.parse_known_args()[0].child:
        print(json.dumps(_ms_a_picture(child)))
    else:
        command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each size of memory, beside the size that template.yaml has."""
    if os.geteuid():
        print("not measured: only root can make a control group")
        return
    seed = 0 if given.network == "inception_resnet_v2" else None
    model = MODELS / export.ensure(given.network, MODELS, print, seed)
    sizes = [size for size in MEMORY_MB if size <= (os.cpu_count() or 1) * A_PROCESSOR_MB]
    measured = {size: _measured(model, size) for size in sizes}
    for size, ms in measured.items():
        dollars = 1000 * ms * size / 1024 * PRICES["Lambda, GB-second"]
        note = f"{dollars:.2f} US$ of {PRICES_AS_OF} a million, {size / A_PROCESSOR_MB:.2f} processors, AVX2"
        yield Row(f"{size:,} MB, {model.name}", ms, "ms a picture", "3,008 MB", measured.get(3008, ms), note=note)


def _measured(model: Path, memory_mb: int) -> float:
    with _held_to(memory_mb / A_PROCESSOR_MB) as group:
        code = f"import os, runpy; open({str(group)!r}, 'w').write(str(os.getpid())); "
        code += "runpy.run_module('tests.benchmarks.power', run_name='__main__')"
        environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
        command_line = [sys.executable, "-c", code, "--child", str(model)]
        run = subprocess.run(command_line, env=environment, check=True, capture_output=True, text=True)
    return float(json.loads(run.stdout.splitlines()[-1]))


def _ms_a_picture(model: Path) -> float:
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder  # after the instruction set is chosen

    embedder = OpenVinoEmbedder(model, "THROUGHPUT")
    width, height = embedder.model.input_size
    pictures = list(np.random.default_rng(0).integers(0, 256, (BATCH, height, width, 3), dtype=np.uint8))
    times = []
    for _ in range(1 + BATCHES):
        began = time.perf_counter()
        embedder.embed(pictures)
        times.append((time.perf_counter() - began) * 1000 / BATCH)
    return median(times[1:])


@contextmanager
def _held_to(processors: float) -> Iterator[Path]:
    """A control group with so many processors; the answer is the file that a process writes its id into."""
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
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
