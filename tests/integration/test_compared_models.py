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
    elasticsearch: Elasticsearch, elasticsearch_url: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

    assert evaluate.main() == 0

    said = json.loads((tmp_path / "evaluation.json").read_text())
    both = pictures.among(held[1])
    found = [nearest(made[held[1]], both.bits) for made in vectors]
    shares = [len({*one} & {*other}) / 10 for one, other in zip(found[0].tolist(), found[1].tolist(), strict=True)]
    [compared] = said["compared"]
    called = [f"{both.classes[label]} {image}" for label, image in zip(both.labels, ids[1], strict=True)]
    assert said["pictures"] == len(both)
    assert compared["models"] == names
    assert compared["common_hits"] == pytest.approx(np.mean(shares), abs=0.002)
    assert 0.2 < compared["common_hits"] < 0.9
    assert set(compared["differ_most"]) <= {called[place] for place in np.flatnonzero(np.array(shares) <= sorted(shares)[9])}
    for index, each in zip(names, found, strict=True):
        assert said["models"][index]["means"]["P@5"] == pytest.approx(scores(each, both.labels).p5.mean(), abs=0.005)
        assert [step["share of the exact first 10"] > 0.99 for step in said["models"][index]["losses"]] == [True, True]
