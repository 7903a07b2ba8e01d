"""What a function's container costs: ``python -m tests.benchmarks.container``.

InceptionResNetV2 with random weights, in the image that `sam build` makes, against a warm Elasticsearch:

- from the first event on, how long the init phase and the first search take, beside an image that serves with TensorFlow;
- the peak memory of `search`;
- a warm search under `sam local start-api`, under Lambda's emulator alone, and as a bare call of the handler in the same image.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Self

import numpy as np
import requests
from elasticsearch import Elasticsearch, helpers
from PIL import Image

from infra.demo.catalogue import drawn_catalogue
from infra.local import aws
from infra.local.child_process import Failure
from infra.sam import image
from infra.sam.system import SamSystem, running
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import LAMBDA_BASE
from layers.models.networks import INCEPTION_RESNET_V2
from tests.benchmarks import image_size
from tests.benchmarks.rows import Row, command
from tests.e2e.sam.lambda_container import LambdaContainer, variables_of

SEED = 0
PICTURES = 40
STARTS = 3
SEARCHES = 30
WARM_UP = 3
REFERENCE = "lookalike-benchmark:reference"
REFERENCE_INDEX = "reference"
HANDLER = "functions.search.entry.handler"
FIRST_SEARCH = "init phase and the first search"
IMAGE_AIM_MB = 400
FIRST_ANSWER_AIM_S = 2.0
MEMORY_MB = 3008
ROOT = Path(__file__).parents[2]


def main() -> None:
    """The command."""
    description = "What a function's container costs; needs Docker, or builds its own engine."
    command(argparse.ArgumentParser(prog="python -m tests.benchmarks.container", description=description), rows)


def rows(_: argparse.Namespace) -> Iterator[Row]:
    """The image's size, first answers of new containers, warm searches, and memory."""
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items[: PICTURES + SEARCHES]]
    folder = Path("build/sam-benchmark")
    with running(INCEPTION_RESNET_V2.id, folder, random_weights=SEED, project="lookalike-benchmark") as system:
        own = sum(layer.size_bytes for layer in image_size.layers(system.engine)[0]) / 1e6
        yield Row("the image without its base", own, "MB", "the aim", IMAGE_AIM_MB, most=1.0)
        system.serve()
        _fill(system, contents[:PICTURES])
        _build_reference(system.engine)
        yield from _starts(system, contents[PICTURES])
        yield from _calls(system, contents[PICTURES:])


def _starts(system: SamSystem, picture: bytes) -> Iterator[Row]:
    """Init phase and first answer of new containers, in turn; the median of each."""
    theirs = {"image": base64.b64encode(picture).decode(), "index": REFERENCE_INDEX}
    kinds = {"init phase and an answer without a picture": (_event("search_health"), {}), FIRST_SEARCH: (_search_event(picture), theirs)}
    seconds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(STARTS):
        for kind, (event, reference) in kinds.items():
            ours_s = _first_answer_s(system, image.NAME, HANDLER, event)
            seconds[kind].append((ours_s, _first_answer_s(system, REFERENCE, "app.handler", reference)))
    for kind, measured in seconds.items():
        ours_s, reference_s = (median(each) for each in zip(*measured, strict=True))
        yield Row(kind, ours_s, "s", "TensorFlow", reference_s)
        if kind == FIRST_SEARCH:
            yield Row(kind, ours_s, "s", "the aim", FIRST_ANSWER_AIM_S, most=1.0)


def _calls(system: SamSystem, contents: list[bytes]) -> Iterator[Row]:
    """Warm searches by three ways in turn, so that all meet the same machine; each picture is new to the index, so nothing is spared."""

    def under_sam_local(picture: bytes) -> Any:
        answer = requests.post(f"{system.search_url}/search", data=picture, headers={"Content-Type": "image/jpeg"}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    with _container(system, image.NAME, HANDLER) as container, _BareHandler(system) as bare:

        def under_emulator(picture: bytes) -> Any:
            return json.loads(container.invoke(_search_event(picture))["body"])

        ways: dict[str, Callable[[bytes], Any]] = {
            "by the handler in process": bare.search,
            "under Lambda's emulator": under_emulator,
            "under sam local start-api": under_sam_local,
        }
        for way, (whole, inside) in _timed_in_turn(ways, contents).items():
            yield Row(f"a warm search {way}", whole, "ms", "the answer's own timings", inside)
        under_emulator(_photograph())
        yield Row(
            "peak memory of search",
            container.peak_memory_mb,
            "MB",
            "the function's",
            MEMORY_MB,
            note="a picture of 12 megapixels among them",
        )


def _timed_in_turn(ways: Mapping[str, Callable[[bytes], Any]], contents: list[bytes]) -> dict[str, tuple[float, float]]:
    """Way -> medians of the whole call and of what its answer says of itself (fetch, decode, embed, search)."""
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(WARM_UP + SEARCHES):
        for way, search in ways.items():
            picture = contents[number % len(contents)] + os.urandom(8)
            began = time.perf_counter()
            answer = search(picture)
            times[way].append(((time.perf_counter() - began) * 1000, sum(answer["timings_ms"].values())))
    return {
        way: (median(whole for whole, _ in rows[WARM_UP:]), median(inside for _, inside in rows[WARM_UP:])) for way, rows in times.items()
    }


SERVE_LINES = """
import json, sys, types
from functions.search.entry import handler
context = types.SimpleNamespace(
    function_name="search", memory_limit_in_mb=3008, invoked_function_arn="arn", aws_request_id="id",
    get_remaining_time_in_millis=lambda: 29000,
)
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    print(handler(json.loads(line), context)["body"], file=answers, flush=True)
"""


class _BareHandler:
    """A process of the image that calls the handler with each line it is given, and does nothing else."""

    def __init__(self, system: SamSystem) -> None:
        variables = (part for name, value in _variables(system).items() for part in ("--env", f"{name}={value}"))
        command = ["docker", "run", "--rm", "--interactive", "--network", system.server.network, "--entrypoint", "python3", *variables]
        self._process = subprocess.Popen(
            [*command, image.NAME, "-c", SERVE_LINES],
            env=system.engine.whole_environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def search(self, picture: bytes) -> Any:
        """The answer's body."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(_search_event(picture)), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def _first_answer_s(system: SamSystem, name: str, handler: str, event: Mapping[str, Any]) -> float:
    """From the first event, which begins the init phase, to its answer; the container itself has started before."""
    with _container(system, name, handler) as container:
        time.sleep(2)
        began = time.perf_counter()
        answer = container.invoke(event)
        took = time.perf_counter() - began
    if isinstance(answer, dict) and answer.get("statusCode", 500) != 200:
        raise RuntimeError(f"{name} answers {answer}")
    return took


def _container(system: SamSystem, name: str, handler: str) -> LambdaContainer:
    return LambdaContainer(system.engine, name, handler, _variables(system), network=system.server.network)


def _variables(system: SamSystem) -> dict[str, str]:
    """Lambda's least instruction set, if it is asked for by ``ONEDNN_MAX_CPU_ISA=AVX2``, for the reference too."""
    instruction_set = {name: os.environ[name] for name in ("ONEDNN_MAX_CPU_ISA",) if name in os.environ}
    return {**variables_of(system), **instruction_set, "LOG_LEVEL": "ERROR"}


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "tests" / "events" / f"{name}.json").read_text())
    return event


def _search_event(picture: bytes) -> dict[str, Any]:
    return _event("search_post_picture") | {"body": base64.b64encode(picture).decode()}


def _photograph() -> bytes:
    """A JPEG of 12 megapixels."""
    blocks = np.random.default_rng(SEED).integers(0, 255, (75, 100, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(blocks).resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def _fill(system: SamSystem, contents: list[bytes]) -> None:
    """The same number of documents for both: ours through the bucket, the reference's made up."""
    s3 = aws.session().client("s3", endpoint_url=system.aws_url)
    for number, content in enumerate(contents):
        s3.put_object(Bucket=system.bucket, Key=f"images/{number}.jpg", Body=content)
    client = Elasticsearch(system.elasticsearch_url, request_timeout=60)
    vector = {"type": "dense_vector", "dims": 1536, "index": False}
    client.indices.create(index=REFERENCE_INDEX, mappings={"properties": {"imageVector": vector}})
    made_up = np.random.default_rng(SEED).random((len(contents), 1536))
    helpers.bulk(client, ({"_index": REFERENCE_INDEX, "imageVector": row.tolist()} for row in made_up), refresh="wait_for")
    deadline = time.monotonic() + 300
    while not client.indices.exists_alias(name=system.alias) or client.count(index=system.alias)["count"] < len(contents):
        if time.monotonic() > deadline:
            raise RuntimeError("the pictures were not indexed")
        time.sleep(0.5)


def _build_reference(engine: Engine) -> None:
    """On the stage of our own Dockerfile that has TensorFlow, as the builder of `sam build` left it."""
    arguments = {"BASE": LAMBDA_BASE.reference(engine), "MODEL": INCEPTION_RESNET_V2.id, "RANDOM_WEIGHTS": str(SEED)}
    options = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    _build(engine, "lookalike-benchmark:export", "--target", "model", "--file", "layers/Dockerfile", *options, ".")
    _build(engine, REFERENCE, str(Path(__file__).with_name("reference")))


def _build(engine: Engine, name: str, *arguments: str) -> None:
    command = ["docker", "build", "--quiet", "--platform", "linux/amd64", "--tag", name, *arguments]
    environment = {**engine.whole_environment, "DOCKER_BUILDKIT": "0"}
    run = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if run.returncode:
        raise Failure(f"{name} cannot be built:\n{run.stderr[-2000:]}")


if __name__ == "__main__":
    main()
