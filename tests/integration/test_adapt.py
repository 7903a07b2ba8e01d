"""Products with several pictures teach a real network, from an index's vectors alone, what serves products that it never saw."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Vectors

from layers.models import export
from layers.quality import adapt, evaluate, labelled
from layers.quality.labelled import Labelled
from layers.quality.measures import nearest, scores
from tests import drawn_kinds
from tests.integration import labelled_index

MODELS = Path("build/models")
NETWORK = "efficientnet_lite0"
LEARNED, NEVER_SEEN = range(32), range(100, 124)
PICTURES = 6


def test_groups_that_were_never_seen_gain_by_what_products_teach(
    elasticsearch: Elasticsearch, elasticsearch_url: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    base = models / export.ensure(NETWORK, MODELS, print)
    shutil.copytree(MODELS / base.name, base)
    learned = drawn_kinds.write(tmp_path / "learned", LEARNED, PICTURES)
    labelled_index.fill(elasticsearch, name, OpenVinoEmbedder(base).model, *_embedded(base, learned))
    source = ["--index", name, "--elasticsearch", elasticsearch_url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["adapt", *source, "--output", str(models)])

    assert adapt.main() == 0
    _compare(elasticsearch, name, elasticsearch_url, tmp_path, monkeypatch)

    [adapted] = models.glob("*-adapted-*")
    said = json.loads((adapted / "manifest.json").read_text())["adapted"]
    others = drawn_kinds.write(tmp_path / "never seen", NEVER_SEEN, PICTURES)
    before, after = (_precision(model, others) for model in (base, adapted))
    assert (said["recipe"], said["learned_from"]) == (["learned whitening"], len(LEARNED) * PICTURES)
    assert said["held_out"]["new classes"]["pictures"] == len(LEARNED) * PICTURES
    assert after > before + 0.1, (before, after)


def _compare(client: Elasticsearch, name: str, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names of one index find the same."""
    client.indices.put_alias(index=name, name=f"{name}-other")
    source = ["--index", f"{name},{name}-other", "--elasticsearch", url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--report", str(folder)])
    assert evaluate.main() == 0
    [compared] = json.loads((folder / "evaluation.json").read_text())["compared"]
    assert (compared["models"], compared["common_hits"]) == ([name, f"{name}-other"], 1)


def _precision(model: Path, folder: Path) -> float:
    """The mean of P@1 and P@5."""
    pictures, vectors = _embedded(model, folder)
    return float(scores(nearest(vectors, pictures.bits), pictures.labels).both.mean())


def _embedded(model: Path, folder: Path) -> tuple[Labelled, Vectors]:
    pictures, [vectors] = labelled.embedded(folder, labelled.files_of(folder), [OpenVinoEmbedder(model)])
    return pictures, vectors
