"""What keeps an index from being measured or learned from is told in one line."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.domain import IndexOptions, Model

from layers.models import remote
from layers.quality import adapt, evaluate
from layers.quality.labelled import Labelled
from tests.integration import labelled_index

MODELS = Path("build/models")
ADAPT = ["efficientnet_lite0", "--output", str(MODELS)]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "Elasticsearch cannot be reached"),
        ("localhost:9200", "localhost:9200 is no address of an Elasticsearch"),
        ("", "there is no index 'no-such-index' in Elasticsearch"),
    ],
)
@pytest.mark.parametrize(("main", "arguments"), [(evaluate.main, []), (adapt.main, ADAPT)], ids=["evaluate", "adapt"])
def test_an_index_that_cannot_be_read_is_told(
    elasticsearch_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    reason: str,
    main: object,
    arguments: list[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *arguments, "--index", "no-such-index", "--elasticsearch", url or elasticsearch_url])

    assert callable(main)
    assert main() == 2
    assert reason in capsys.readouterr().err


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of exported networks, for what would be written into it."""
    folder = tmp_path / "models"
    folder.mkdir()
    for model in ("efficientnet_lite0", "efficientnet_lite2"):
        (folder / model).symlink_to((MODELS / model).absolute())
    return folder


@pytest.fixture
def lite0() -> Model:
    """The network that filled the index; others have as many dimensions."""
    return read_manifest(MODELS / "efficientnet_lite0")


def _fill(client: Elasticsearch, name: str, model: Model) -> None:
    """Twenty products with four pictures each, their vectors drawn by lot."""
    drawn = np.random.default_rng(3)
    vectors = drawn.normal(size=(80, model.dimensions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels, bits = np.repeat(np.arange(20), 4), drawn.integers(0, 2**63, (80, 4), dtype=np.uint64)
    pictures = Labelled([str(number) for number in range(80)], [f"p{number}" for number in range(20)], labels, bits)
    labelled_index.fill(client, name, model, pictures, vectors)


def _adapt(monkeypatch: pytest.MonkeyPatch, url: str, index: str, models: Path, *model: str) -> int:
    source = ["--index", index, "--elasticsearch", url, "--attribute", "product_id", "--output", str(models)]
    monkeypatch.setattr(sys, "argv", ["adapt", *model, *source])
    return adapt.main()


@pytest.fixture
def refusal(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[Model, str], str]:
    """Fills the index as by the first model, adapts the one named from it, and returns the one line that refuses."""

    def ask(filled_by: Model, adapted: str) -> str:
        _fill(elasticsearch, name, filled_by)
        assert _adapt(monkeypatch, elasticsearch_url, name, models, adapted) == 2
        [line] = capsys.readouterr().err.splitlines()
        return line

    return ask


def test_vectors_of_another_network_are_refused_by_the_name_of_the_one_to_give(
    refusal: Callable[[Model, str], str], name: str, lite0: Model
) -> None:
    line = refusal(lite0, "efficientnet_lite2")

    assert f"{name!r} was filled by efficientnet_lite0, not by efficientnet_lite2: give MODEL=efficientnet_lite0" in line


def test_vectors_of_other_weights_are_refused(refusal: Callable[[Model, str], str], lite0: Model) -> None:
    line = refusal(replace(lite0, weights_sha256="cd" * 32), "efficientnet_lite0")

    assert "with weights cdcdcdcdcdcd…" in line
    assert f"has {lite0.weights_sha256[:12]}…" in line


def test_vectors_of_a_model_elsewhere_are_refused(refusal: Callable[[Model, str], str], models: Path) -> None:
    elsewhere = remote.export("elasticsearch/mine@64", models, print)

    line = refusal(read_manifest(models / elsewhere), elsewhere)

    assert line.startswith(f"{elsewhere} is computed elsewhere (elasticsearch/mine): it cannot be adapted")


def test_a_report_of_an_index_has_no_sheet_and_keeps_none_of_an_earlier_report(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    lite0: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _fill(elasticsearch, name, lite0)
    sheet = tmp_path / "worst-errors-efficientnet_lite0.jpg"
    sheet.write_text("of an earlier report")
    source = ["--index", name, "--elasticsearch", elasticsearch_url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--report", str(tmp_path)])

    assert evaluate.main() == 0

    assert capsys.readouterr().out.splitlines()[-1] == f"evaluation.json, evaluation.md are in {tmp_path}"
    assert not sheet.exists()


@pytest.mark.parametrize("command", ["evaluate", "adapt"])
def test_an_alias_of_indices_by_two_models_is_refused(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    models: Path,
    lite0: Model,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for end, model in (("a", lite0), ("b", read_manifest(models / "efficientnet_lite2"))):
        _fill(elasticsearch, f"{name}-{end}", model)
        elasticsearch.indices.put_alias(index=f"{name}-{end}", name=f"{name}-both")
    source = ["--index", f"{name}-both", "--elasticsearch", elasticsearch_url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["command", *source])

    assert (adapt.main if command == "adapt" else evaluate.main)() == 2

    [line] = capsys.readouterr().err.splitlines()
    assert f"must be of one model: {name}-a by efficientnet_lite0, {name}-b by efficientnet_lite2" in line


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--models", "efficientnet_lite2"], "an index is measured by the vectors that it holds"),
        (["--type", "int8_hnsw"], "an index is searched as it is"),
        (["--oversample", "5"], "an index is searched as it is"),
    ],
)
def test_what_is_asked_of_an_index_in_vain_is_not_passed_over(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    lite0: Model,
    option: list[str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _fill(elasticsearch, name, lite0)
    monkeypatch.setattr(sys, "argv", ["evaluate", "--index", name, "--elasticsearch", elasticsearch_url, *option])

    assert evaluate.main() == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "steps"),
    [
        ([], ["every vector, float32", "the search, bbq_hnsw"]),
        (["--copy"], ["every vector, float32", "every vector, bbq_flat", "the search, bbq_hnsw"]),
    ],
    ids=["as it is", "with a copy"],
)
def test_a_sample_of_an_index_is_searched_in_it_and_nothing_stays_behind(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    lite0: Model,
    option: list[str],
    steps: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _fill(elasticsearch, name, lite0)
    before = set(elasticsearch.indices.get(index="*"))
    source = ["--index", name, "--elasticsearch", elasticsearch_url, "--attribute", "product_id", "--sample", "15"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, *option, "--report", str(tmp_path)])

    assert evaluate.main() == 0

    said = json.loads((tmp_path / "evaluation.json").read_text())
    assert (said["pictures"], said["queries"]) == (80, 15)
    assert said["models"][name]["index"] == {"type": "bbq_hnsw", "oversample": 3}
    assert [step["compared"] for step in said["models"][name]["losses"]] == steps
    assert set(elasticsearch.indices.get(index="*")) == before


def test_indices_that_hold_their_vectors_differently_are_not_measured_as_one(
    elasticsearch: Elasticsearch, name: str, elasticsearch_url: str, lite0: Model, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    _fill(elasticsearch, f"{name}-a", lite0)
    elasticsearch.indices.create(index=f"{name}-b", **definition_of(lite0, IndexOptions(type="int8_hnsw")))
    elasticsearch.indices.put_alias(index=f"{name}-*", name=f"{name}-both")
    source = ["--index", f"{name}-both", "--elasticsearch", elasticsearch_url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *source])

    assert evaluate.main() == 2
    assert "hold their vectors differently: give the name of one" in capsys.readouterr().err
