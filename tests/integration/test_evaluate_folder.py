"""``make evaluate`` of a folder of pictures: measured by the search of a real index, of the server that is given or of one of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from elasticsearch import Elasticsearch
from PIL import Image

from layers.quality import evaluate
from tests.server_folder import server_folder
from tests.unit.quality import averaging_network

DIMENSIONS = 64
"""The fewest that Elasticsearch quantises to bits."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A network, beside which the same one lies under another name."""
    averaging_network.write(tmp_path / "models" / "other", DIMENSIONS)
    return averaging_network.write(tmp_path / "models" / "base", DIMENSIONS)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Six yellow hats, six blue shoes and a broken file."""
    drawn = np.random.default_rng(1)
    for number in range(12):
        place = tmp_path / "shop" / ("hat" if number % 2 else "shoe")
        place.mkdir(parents=True, exist_ok=True)
        noise = drawn.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        noise[..., 2 * (number % 2)] //= 8
        Image.fromarray(noise).save(place / f"{number}.png")
    (tmp_path / "shop" / "hat" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path / "shop"


@pytest.fixture
def report_folder() -> Iterator[Path]:
    """Where the report is written, and a server of the command's own runs."""
    with server_folder("evaluation") as folder:
        yield folder


def _measured(folder: Path, shop: Path, base: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["evaluate", *_arguments(folder, shop, base), *options])
    assert evaluate.main() == 0
    facts: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return facts


def _arguments(folder: Path, shop: Path, base: Path) -> list[str]:
    return ["--images", str(shop), "--output", str(base.parent), "--report", str(folder)]


def test_two_models_are_measured_side_by_side_each_with_a_sheet(
    shop: Path, base: Path, report_folder: Path, elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (report_folder / "worst-errors-gone.jpg").write_text("of an earlier report")

    facts = _measured(
        report_folder, shop, base, monkeypatch, "--models", "base,other,base", "--elasticsearch", elasticsearch_url, "--expand", "2,1"
    )

    said = capsys.readouterr()
    assert (facts["pictures"], facts["classes"], facts["queries"]) == (12, 2, 12)
    assert list(facts["models"]) == ["base", "other"]
    measured = facts["models"]["base"]
    assert measured["means"] == {"P@1": 1, "P@5": 1, "mAP@10": 1, "recall@10": 1}
    assert measured["by_class"]["hat"] == {"queries": 6, "P@1": 1, "P@5": 1, "mAP@10": 1, "recall@10": 1}
    assert measured["index"] == {"type": "bbq_hnsw", "oversample": 3}
    ways = [(each["hits"], each["weighting"]) for each in measured["expanded"]]
    assert ways == [(count, name) for count in (2, 1) for name in ("average", "cosine", "cosine^3")]
    assert all(each["means"]["P@1"] == 1 and each["gains"]["P@1"] == [0, 0] for each in measured["expanded"])
    assert facts["compared"][0]["common_hits"] == 1
    assert sorted(path.name for path in report_folder.glob("*.jpg")) == ["worst-errors-base.jpg", "worst-errors-other.jpg"]
    assert "# 12 pictures of 2 classes" in (report_folder / "evaluation.md").read_text()
    assert "worst-errors-base.jpg, worst-errors-other.jpg are in" in said.out
    assert "broken.jpg" in said.err


def test_the_index_is_of_the_type_that_is_asked_for(
    shop: Path, base: Path, report_folder: Path, elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--models", "base", "--elasticsearch", elasticsearch_url, "--type", "int8_hnsw", "--oversample", "2.5"]

    facts = _measured(report_folder, shop, base, monkeypatch, *options)["models"]["base"]

    assert facts["index"] == {"type": "int8_hnsw", "oversample": 2.5}
    assert [step["compared"] for step in facts["losses"][1:]] == ["every vector, int8_flat", "the search, int8_hnsw"]


def test_of_a_sample_only_the_drawn_pictures_are_queries_and_all_are_found(
    shop: Path, base: Path, report_folder: Path, elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--models", "base", "--elasticsearch", elasticsearch_url, "--sample", "3"]

    facts = _measured(report_folder, shop, base, monkeypatch, *options)

    assert (facts["pictures"], facts["queries"]) == (12, 3)
    assert sum(each["queries"] for each in facts["models"]["base"]["by_class"].values()) == 3
    assert facts["models"]["base"]["means"]["recall@10"] == 1  # all five others of the class
    assert facts == _measured(report_folder, shop, base, monkeypatch, *options)


def test_a_shop_s_own_network_is_measured_too(
    shop: Path, base: Path, report_folder: Path, elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--models", "base", "--elasticsearch", elasticsearch_url, "--output", str(base.parent / "none"), "--own", str(base.parent)]

    assert list(_measured(report_folder, shop, base, monkeypatch, *options)["models"]) == ["base"]


def test_without_an_address_a_server_runs_for_as_long_as_the_command(
    shop: Path, base: Path, report_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    facts = _measured(report_folder, shop, base, monkeypatch, "--models", "base", "--type", "bbq_flat")

    assert facts["models"]["base"]["means"]["P@1"] == 1
    [ready] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Elasticsearch is ready at ")]
    with pytest.raises(requests.ConnectionError):
        requests.get(ready.split()[4], timeout=5)


def test_ctrl_c_ends_the_command_and_its_server(shop: Path, base: Path, report_folder: Path) -> None:
    command = [sys.executable, "-m", "layers.quality.evaluate", *_arguments(report_folder, shop, base), "--models", "base"]
    environment = os.environ | {"PYTHONPATH": "layers:.", "PYTHONUNBUFFERED": "1"}
    ran = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        assert ran.stdout
        lines = iter(ran.stdout.readline, "")
        ready = next(line for line in lines if line.startswith("Elasticsearch is ready at "))
        ran.send_signal(signal.SIGINT)
        said = "".join(lines)
        code = ran.wait(60)
    finally:
        ran.kill()

    assert (code, said.strip()) == (130, "Stopped.")
    with pytest.raises(requests.ConnectionError):
        requests.get(ready.split()[4], timeout=5)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--models", "base", "--copy"], "COPY=1) is for an index"),
        (["--models", "base", "--elasticsearch", "http://127.0.0.1:1"], "Elasticsearch cannot be reached"),
        (["--models", "none-of-this-name"], "none-of-this-name"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line(
    shop: Path, base: Path, report_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, options: list[str], reason: str
) -> None:
    (shop / "hat" / "broken.jpg").unlink()
    monkeypatch.setattr(sys, "argv", ["evaluate", *_arguments(report_folder, shop, base), *options])

    assert evaluate.main() == 2

    [line] = capsys.readouterr().err.splitlines()
    assert reason in line


@pytest.mark.parametrize(
    "option", [["--sample", "0"], ["--oversample", "11"], ["--oversample", "much"], ["--expand", "3,11"], ["--type", "x"]]
)
def test_an_option_that_makes_no_sense_is_refused(
    shop: Path, base: Path, report_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, option: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", *_arguments(report_folder, shop, base), *option])

    with pytest.raises(SystemExit, match="2"):
        evaluate.main()
    assert f"argument {option[0]}" in capsys.readouterr().err


def test_indices_of_the_command_are_gone_afterwards_though_it_failed(
    shop: Path,
    base: Path,
    report_folder: Path,
    elasticsearch: Elasticsearch,
    elasticsearch_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    before = set(elasticsearch.indices.get(index="evaluation-*"))
    options = ["--models", "base", "--elasticsearch", elasticsearch_url, "--type", "bbq_disk"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *_arguments(report_folder, shop, base), *options])

    assert evaluate.main() == 2

    assert "licence does not cover this" in capsys.readouterr().err
    assert set(elasticsearch.indices.get(index="evaluation-*")) <= before
