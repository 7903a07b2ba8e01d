"""From the start of a process to its first answer: ``python -m tests.benchmarks.start``.

Ours is the search function's own entry; beside it the reference's way, with Keras. Each answers a picture's bytes, by a real Elasticsearch.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.openvino.manifests import read_manifest

from infra.demo.catalogue import drawn_catalogue
from layers.models import export
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture
from tests.benchmarks.rows import Row, command

MODELS = Path("build/models")
NETWORKS = (("inception_resnet_v2", 0), ("inception_resnet_v2-int8", 0), ("efficientnet_lite2", None))
FUNCTIONS = ("backfill", "index_products", "on_upload", "search")
SERVING = Path("build/serve/bin/python")
"""With the packages of the image alone (``make build/serve``): those of a developer beside them double what is imported."""

PYTHONPATH = {"PYTHONPATH": "layers:."}

ROUNDS = 3
AIM_S = 2.0

OURS = """
import json, sys, types
from functions.search.entry import handler
context = types.SimpleNamespace(function_name="search", memory_limit_in_mb="3008", invoked_function_arn="arn", aws_request_id="id")
context.get_remaining_time_in_millis = lambda: 29_000
answer = handler(json.load(open(sys.argv[1])), context)
assert answer["statusCode"] == 200, answer
print("answered")
"""

KERAS = """
import json, sys
from tests.benchmarks.reference import app
app.MODEL = app.network()
assert app.handler(json.load(open(sys.argv[1])), None)
print("answered")
"""

IMPORTS = """
import ast, sys
body = [node for node in ast.parse(open(sys.argv[1]).read()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
exec(ast.unparse(ast.Module(body, [])))
print(*sys.modules)
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.start", description="From a process's start to its first answer.")
    command(parser, rows)


def rows(_: argparse.Namespace) -> Iterator[Row]:
    """First answers, and how many modules each function imports."""
    picture = base64.b64encode(drawn_catalogue(Path("build/catalogue")).items[0].path.read_bytes()).decode()
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=60)
        client.index(index="bench-reference", document={"imageVector": [0.1] * 1536}, refresh=True)
        keras_s = _first_answer_s(
            Path(sys.executable), KERAS, {"image": picture, "index": "bench-reference"}, {"LOOKALIKE_ELASTICSEARCH_URL": url}
        )
        event = json.loads(Path("tests/events/search_post_picture.json").read_text()) | {"body": picture}
        for network, seed in NETWORKS:
            model_id = export.ensure(network, MODELS, print, seed)
            model = read_manifest(MODELS / model_id)
            index = empty_index(client, model)
            index.write([(made_up_picture(0, {}), np.full(model.dimensions, model.dimensions**-0.5, np.float32))], ())
            environment = {"LOOKALIKE_ELASTICSEARCH_URL": url, "LOOKALIKE_ALIAS": "bench", "LOOKALIKE_MODEL": model_id}
            environment["LOOKALIKE_MODELS"] = str(_alone(model_id))
            ours_s = _first_answer_s(SERVING, OURS, event, environment)
            yield Row(f"first answer, {model_id}", ours_s, "s", "the aim", AIM_S, most=1.0)
            yield Row(f"first answer, {model_id}", ours_s, "s", "Keras", keras_s)
    yield from _modules()


def _alone(model_id: str) -> Path:
    """A folder with this network and no other, as an image has it."""
    folder = Path("build/bench") / f"only-{model_id}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / model_id).unlink(missing_ok=True)
    (folder / model_id).symlink_to((MODELS / model_id).resolve())
    return folder


def _first_answer_s(python: Path, script: str, event: Mapping[str, object], environment: Mapping[str, str]) -> float:
    """The median time from the start of a fresh process to the end of its first answer."""
    file = Path("build/bench/event.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(event))
    whole = {
        **os.environ,
        **PYTHONPATH,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **environment,
    }
    whole |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "POWERTOOLS_METRICS_NAMESPACE": "bench"}
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with subprocess.Popen([python, "-c", script, str(file)], env=whole, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert any(line == "answered\n" for line in child.stdout), "the process ended without an answer"
            seconds.append(time.perf_counter() - start)
    return median(seconds)


def _modules() -> Iterator[Row]:
    """How many modules each function's entry imports, beside all that any of them does."""
    imported = {function: _imported(function) for function in FUNCTIONS}
    every = set().union(*imported.values())
    for function, modules in imported.items():
        heavy = sorted({"PIL", "openvino", "numpy", "pydantic", "botocore", "elasticsearch"} & {name.partition(".")[0] for name in modules})
        yield Row(f"imported by {function}", len(modules), "modules", "by any function", len(every), note=", ".join(heavy))


def _imported(function: str) -> set[str]:
    line = [str(SERVING), "-c", IMPORTS, f"functions/{function}/entry.py"]
    run = subprocess.run(line, env={**os.environ, **PYTHONPATH}, check=True, capture_output=True, text=True)
    return set(run.stdout.split())


if __name__ == "__main__":
    main()
