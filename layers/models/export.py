"""Exports a network for serving: ``python -m layers.models.export MODEL --output FOLDER``.

The work is done by a child process (`layers.models.build`), so that whoever calls `ensure` never holds TensorFlow.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from layers.models import remote
from layers.models.manifest import is_own, is_up_to_date
from layers.models.networks import (
    AUTO,
    EFFICIENTNET_LITE2,
    INCEPTION_RESNET_V2,
    NETWORKS,
    SALIENCY_FOLDER,
    U2NETP,
    Network,
    model_id,
    trained,
)
from layers.models.weights import WeightsUnavailable, locate

Say = Callable[[str], None]
"""Takes one line of progress."""

_PROJECT = Path(__file__).parents[2]
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


class ExportFailed(Exception):
    """The network could not be exported; the message says why and what else can be done."""


def ensure(model: str, folder: Path, say: Say, random_weights: int | None = None, calibration: Path | None = None) -> str:
    """Makes sure that a network is in ``folder/<model id>``, exported by the present sources; whole, or not at all.

    Args:
        model: a network's id, or `AUTO`; or the id of a model in ``folder`` that was made elsewhere, such as by `layers.quality.adapt`.
        folder: where exported networks are, one sub-folder each.
        say: takes progress.
        random_weights: the seed of random weights, for parity and speed work; the model's id then says so.
        calibration: a folder of pictures like those that will be embedded, for a network in int8; the demo's drawn ones by default.

    Returns:
        The model's id.

    Raises:
        ExportFailed: there is no such network, its weights cannot be had, or the export failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if model not in (*NETWORKS, AUTO) and is_own(folder / model):
        say(f"{model} is in {folder / model}")
        return model
    if model == U2NETP.id:
        return _ensure_saliency(folder / SALIENCY_FOLDER, say)
    network = _network(model, folder, say, random_weights)
    exported = model_id(network, random_weights)
    with _alone_in(folder, say):
        if not (network.is_int8 and calibration) and is_up_to_date(folder / exported):
            say(f"{exported} is up to date in {folder / exported}")
        else:
            _export(network, folder / exported, say, random_weights, calibration)
            say(f"{exported} is exported to {folder / exported}")
    return exported


def _ensure_saliency(folder: Path, say: Say) -> str:
    """The network by which the search finds the things in a picture, beside those that make vectors."""
    folder.mkdir(exist_ok=True)
    target = folder / U2NETP.id
    with _alone_in(folder, say):
        if not is_up_to_date(target):
            try:
                weights = str(locate(U2NETP.weights, say))
            except WeightsUnavailable as error:
                raise ExportFailed(f"{error}: see layers/locks/saliency.txt") from error
            _replace(target, lambda new: _run("layers.models.saliency", [weights, str(new.absolute())], new.with_name("errors.txt"), say))
    say(f"{U2NETP.id} is in {target}")
    return U2NETP.id


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m layers.models.export", description="Exports a network as OpenVINO IR with a manifest.")
    known = (
        f"{', '.join(NETWORKS)}; {AUTO}, for local commands: the first whose weights can be had; "
        f"{U2NETP.id}, which finds things in pictures; a network of your own, file or folder; bedrock/MODEL, elasticsearch/ENDPOINT"
    )
    parser.add_argument("model", help=known)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="one sub-folder a model is written here")
    parser.add_argument(
        "--random-weights", type=int, metavar="SEED", help="for parity and speed work; vectors mean nothing, the model's id says so"
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="FOLDER", help="for …-int8: pictures like yours, a few hundred; drawn ones by default"
    )
    arguments = parser.parse_args()
    try:
        if remote.NAME.fullmatch(arguments.model):
            remote.export(arguments.model, arguments.output, _print)
        elif Path(arguments.model).exists():
            _export_own(Path(arguments.model), arguments.output)
        else:
            ensure(arguments.model, arguments.output, _print, arguments.random_weights, arguments.calibration)
    except ExportFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was exported", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def _print(line: str) -> None:
    print(line, flush=True)


def _export_own(path: Path, folder: Path) -> None:
    # Imported here: who only asks for a network of the table need not load OpenVINO.
    from layers.models import own, own_description, own_export

    try:
        own_export.export(own.described(path), folder, _print)
    except own_description.Undescribed as error:
        raise ExportFailed(str(error)) from error


def _network(model: str, folder: Path, say: Say, random_weights: int | None) -> Network:
    if random_weights is not None and (model == AUTO or random_weights < 0):
        raise ExportFailed("random weights need a named network and a seed that is not negative")
    if model == AUTO:
        return first_available(folder, say)
    if model not in NETWORKS:
        raise ExportFailed(f"there is no network {model!r}; there are {', '.join(NETWORKS)}, and {AUTO} for local commands")
    return NETWORKS[model]


@cache
def first_available(folder: Path, say: Say) -> Network:
    """The network that `AUTO` stands for, decided once a process, so that an address that cannot be reached is tried once."""
    if is_up_to_date(folder / INCEPTION_RESNET_V2.id):
        return INCEPTION_RESNET_V2
    try:
        locate(INCEPTION_RESNET_V2.weights, say)
    except WeightsUnavailable as error:
        say(f"{error}; taking {EFFICIENTNET_LITE2.id} instead of {INCEPTION_RESNET_V2.id}")
        return EFFICIENTNET_LITE2
    return INCEPTION_RESNET_V2


@contextmanager
def _alone_in(folder: Path, say: Say) -> Iterator[None]:
    """Waits until no other process exports into the folder; the lock ends with the process that holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another export into {folder}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _export(network: Network, target: Path, say: Say, random_weights: int | None, calibration: Path | None) -> None:
    def write(new: Path) -> None:
        if network.is_int8:
            _quantise(network, new, target.parent, say, random_weights, calibration)
        else:
            _build(network, new, say, random_weights)

    _replace(target, write)


def _replace(target: Path, write: Callable[[Path], None]) -> None:
    """Replaces a folder by what ``write`` puts into a new one, or leaves it as it is."""
    unfinished = target.with_name(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    new, old = unfinished / "new", unfinished / "old"
    new.mkdir(parents=True)
    try:
        write(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _build(network: Network, folder: Path, say: Say, random_weights: int | None) -> None:
    source = _source(network, say, random_weights)
    say(f"exporting {model_id(network, random_weights)} with TensorFlow; this takes about half a minute")
    _run("layers.models.build", [network.id, str(folder.absolute()), *source], folder.with_name("errors.txt"), say)


def _quantise(network: Network, folder: Path, models: Path, say: Say, random_weights: int | None, calibration: Path | None) -> None:
    source = models / model_id(trained(network), random_weights)
    if not is_up_to_date(source):
        source = folder.with_name("trained")
        source.mkdir()
        _build(trained(network), source, say, random_weights)
    exported = model_id(network, random_weights)
    say(f"exporting {exported} with NNCF; this takes minutes")
    pictures = ["--calibration", str(calibration.absolute())] if calibration else []
    _run(
        "layers.models.quantise", [exported, str(source.absolute()), str(folder.absolute()), *pictures], folder.with_name("errors.txt"), say
    )


def _run(module: str, arguments: Sequence[str], errors: Path, say: Say) -> None:
    command = [sys.executable, "-m", module, *arguments]
    with (
        errors.open("w") as stderr,
        subprocess.Popen(  # noqa: S603
            command, cwd=_PROJECT, env={**os.environ, **_QUIET}, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                say(line.rstrip())
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        raise ExportFailed(f"the export failed ({module}):\n{errors.read_text()[-2000:].strip()}")


def _source(network: Network, say: Say, random_weights: int | None) -> list[str]:
    if random_weights is not None:
        return ["--random-weights", str(random_weights)]
    try:
        return ["--weights", str(locate(network.weights, say))]
    except WeightsUnavailable as error:
        others = " or ".join(other for other in (EFFICIENTNET_LITE2.id, "--random-weights SEED") if other != network.id)
        raise ExportFailed(f"{error}.\nWithout them, use {others} (random weights are for parity and speed only).") from error


if __name__ == "__main__":
    sys.exit(main())
