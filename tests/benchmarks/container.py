"""What a function's container costs: ``python -m tests.benchmarks.container``.

InceptionResNetV2 with random weights, in the image that `sam build` makes, against a warm Elasticsearch:

- from the first event on, how long the init phase and the first search take, beside an image that serves with TensorFlow;
- the peak memory of `search`;
- a warm search under `sam local start-api`, under Lambda's emulator alone, and as a bare call of the handler in the same image.
"""

import base64
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import requests
from elasticsearch import Elasticsearch, helpers
from PIL import Image

from infra.local import aws
from infra.local.catalogue import drawn_catalogue
from infra.local.sam import image
from infra.local.sam.engine import Engine
from infra.local.sam.lambda_container import LambdaContainer
from infra.local.sam.system import SamSystem, running
from layers.models.networks import INCEPTION_RESNET_V2

SEED = 0
PICTURES = 40
STARTS = 3
SEARCHES = 30
REFERENCE = "lookalike-benchmark:reference"
REFERENCE_INDEX = "reference"
HANDLER = "functions.search.entry.handler"
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Prints all figures."""
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items[: PICTURES + SEARCHES]]
    folder = Path("build/sam-benchmark")
    with running(INCEPTION_RESNET_V2.id, folder, random_weights=SEED, project="lookalike-benchmark") as system:
        print(image.report(system.engine))
        system.serve()
        _fill(system, contents[:PICTURES])
        _build_reference(system.engine)
        compare_starts(system, contents[PICTURES])
        compare_calls(system, contents[PICTURES:])


def compare_starts(system: SamSystem, picture: bytes) -> None:
    """Init phase and first search of new containers, in turn; the median of each."""
    ours, theirs = _search_event(picture), {"image": base64.b64encode(picture).decode(), "index": REFERENCE_INDEX}
    rows: dict[str, list[float]] = {"init": [], "search": [], "reference init": [], "reference search": []}
    for _ in range(STARTS):
        rows["init"].append(_first_answer_s(system, image.NAME, HANDLER, _event("search_health")))
        rows["search"].append(_first_answer_s(system, image.NAME, HANDLER, ours))
        rows["reference init"].append(_first_answer_s(system, REFERENCE, "app.handler", {}))
        rows["reference search"].append(_first_answer_s(system, REFERENCE, "app.handler", theirs))
    print(f"\nA new container, median of {STARTS}, {os.cpu_count()} cores, s        lookalike   TensorFlow   ratio")
    for what, name in (("init phase and an answer without a picture", "init"), ("init phase and the first search", "search")):
        measured, reference = median(rows[name]), median(rows[f"reference {name}"])
        print(f"{what:<52}{measured:>9.2f}{reference:>13.2f}{measured / reference:>8.3f}")


def compare_calls(system: SamSystem, contents: list[bytes]) -> None:
    """Warm searches by three ways; each picture is new to the index, so that nothing is spared."""

    def through_api(picture: bytes) -> Any:
        answer = requests.post(f"{system.search_url}/search", data=picture, headers={"Content-Type": "image/jpeg"}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    with _container(system, image.NAME, HANDLER) as container:

        def through_emulator(picture: bytes) -> Any:
            return json.loads(container.invoke(_search_event(picture))["body"])

        bare = _bare_calls(system, [contents[n % len(contents)] for n in range(SEARCHES)])
        emulator = _times(through_emulator, contents)
        through_emulator(_photograph())
        peak_mb = container.peak_memory_mb
    api = _times(through_api, contents)
    print(f"\nA warm search, median of {SEARCHES}, ms              whole   decode, embed and kNN, by its own account")
    for what, (whole, inside) in (
        ("the handler, called in process", bare),
        ("under Lambda's emulator", emulator),
        ("under sam local", api),
    ):
        print(f"{what:<46}{whole:>10.1f}{inside:>10.1f}")
    print(f"\npeak memory of search, a 12-megapixel picture included: {peak_mb:.0f} MB")


def _times(search: Callable[[bytes], Any], contents: list[bytes]) -> tuple[float, float]:
    whole, inside = [], []
    for number in range(SEARCHES + 3):
        picture = contents[number % len(contents)] + os.urandom(8)
        began = time.perf_counter()
        answer = search(picture)
        whole.append((time.perf_counter() - began) * 1000)
        inside.append(sum(answer["timings_ms"].values()))
    return median(whole[3:]), median(inside[3:])


BARE_CALLS = """
import base64, json, os, statistics, sys, time, types
from functions.search.entry import handler
event, pictures = json.load(sys.stdin)
context = types.SimpleNamespace(
    function_name="search", memory_limit_in_mb=3008, invoked_function_arn="arn", aws_request_id="id",
    get_remaining_time_in_millis=lambda: 29000,
)
whole, inside = [], []
for picture in pictures:
    event["body"] = base64.b64encode(base64.b64decode(picture) + os.urandom(8)).decode()
    began = time.perf_counter()
    answer = handler(event, context)
    whole.append((time.perf_counter() - began) * 1000)
    inside.append(sum(json.loads(answer["body"])["timings_ms"].values()))
print(json.dumps([statistics.median(whole[3:]), statistics.median(inside[3:])]))
"""


def _bare_calls(system: SamSystem, contents: list[bytes]) -> tuple[float, float]:
    """The handler in a process of the image that does nothing else."""
    variables = (part for name, value in _variables(system).items() for part in ("--env", f"{name}={value}"))
    command = ["docker", "run", "--rm", "--interactive", "--network", system.server.network, "--entrypoint", "python3", *variables]
    given = json.dumps([_search_event(b""), [base64.b64encode(content).decode() for content in contents]])
    run = subprocess.run(
        [*command, image.NAME, "-c", BARE_CALLS],
        env=system.engine.whole_environment,
        input=given,
        text=True,
        capture_output=True,
        check=True,
    )
    whole, inside = json.loads(run.stdout.splitlines()[-1])
    return whole, inside


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
    return {**system.function_environment, "POWERTOOLS_SERVICE_NAME": "search", "LOG_LEVEL": "ERROR"}


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
    environment = {**engine.whole_environment, "DOCKER_BUILDKIT": "0"}
    build = ["docker", "build", "--quiet", "--platform", "linux/amd64"]
    arguments = ["--build-arg", f"MODEL={INCEPTION_RESNET_V2.id}", "--build-arg", f"RANDOM_WEIGHTS={SEED}"]
    stage = [*build, "--tag", "lookalike-benchmark:export", "--target", "model", "--file", "layers/Dockerfile", *arguments, "."]
    subprocess.run(stage, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*build, "--tag", REFERENCE, str(Path(__file__).with_name("reference"))],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
