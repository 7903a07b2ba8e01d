"""Two indices that hold the same pictures by two models, compared as before a switch."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.models import export
from layers.quality import evaluate, labelled
from layers.quality.measures import nearest, scores
from tests import drawn_kinds
from tests.integration import labelled_index

MODELS = Path("build/models")
NETWORKS = ("efficientnet_lite0", "efficientnet_lite2")
KINDS, PICTURES = range(16), 4


def test_the_indices_of_two_models_are_compared_by_the_pictures_that_both_hold(
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embedders = [OpenVinoEmbedder(MODELS / export.ensure(network, MODELS, print)) for network in NETWORKS]
    folder = drawn_kinds.write(tmp_path / "kinds", KINDS, PICTURES)
    pictures, vectors = labelled.embedded(folder, labelled.files_of(folder), embedders)
    names = [f"{name}-{network}" for network in NETWORKS]
    held = [np.arange(len(pictures)), np.arange(len(pictures))[PICTURES:]]  # the second does not hold the first kind yet
    ids = [
        labelled_index.fill(elasticsearch, index, embedder.model, pictures.among(places), made[places])
        for index, embedder, made, places in zip(names, embedders, vectors, held, strict=True)
    ]
    source = ["--index", ",".join(names), "--elasticsearch", elasticsearch_url, "--attribute", "product_id"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--report", str(tmp_path)])
    (tmp_path / "worst-errors.jpg").write_text("of an earlier report")

    assert evaluate.main() == 0

    said = json.loads((tmp_path / "evaluation.json").read_text())
    both = pictures.among(held[1])
    found = [nearest(made[held[1]], both.bits) for made in vectors]
    shares = [len({*one} & {*other}) / 10 for one, other in zip(found[0].tolist(), found[1].tolist(), strict=True)]
    [compared] = said["compared"]
    both_products = [both.classes[label] for label in both.labels]
    assert said["pictures"] == len(both)
    assert compared["models"] == names
    assert compared["common_hits"] == pytest.approx(np.mean(shares), abs=0.002)
    assert 0.2 < compared["common_hits"] < 0.9
    assert set(compared["differ_most"]) <= {
        f"{both_products[place]} {ids[1][place]}" for place in np.flatnonzero(np.array(shares) <= sorted(shares)[9])
    }
    assert capsys.readouterr().out.splitlines()[-1] == f"JSON and Markdown are in {tmp_path}"
    assert not (tmp_path / "worst-errors.jpg").exists()
    for index, each in zip(names, found, strict=True):
        assert said["models"][index]["means"]["P@5"] == pytest.approx(scores(each, both.labels).p5.mean(), abs=0.005)
        assert said["models"][index]["through_search"]["share of the exact first 10"] > 0.99
