"""Which folder a network is taken from, and what is said of one that is not there or does not run here."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from lookalike.errors import Misconfigured

from layers.models import export, remote
from layers.models.manifest import recipe_sha256
from layers.quality import adapt, evaluate
from layers.quality.at_hand import Folders
from tests.unit.quality.drawn_shop import write
from tests.unit.quality.test_adapted_model import base

__all__ = ["base"]

NOVA = "bedrock/amazon.nova-2-multimodal-embeddings-v1:0@3072"


@pytest.fixture
def folders(tmp_path: Path, base: Path) -> Folders:
    """A network ``own`` in the second folder; the first one does not exist."""
    shutil.copytree(base, tmp_path / "own-models" / "own")
    return Folders(tmp_path / "models", tmp_path / "own-models")


def _run(main: Any, monkeypatch: pytest.MonkeyPatch, folders: Folders, *arguments: str) -> int:
    places = ["--output", str(folders.exported), "--own", str(folders.own)]
    monkeypatch.setattr(sys, "argv", ["command", *arguments, *places])
    code: int = main()
    return code


def test_a_shop_s_own_network_is_found(folders: Folders) -> None:
    assert folders.located(["own"], print) == [folders.own / "own"]


def test_the_folder_of_exported_networks_comes_first(folders: Folders) -> None:
    shutil.copytree(folders.own / "own", folders.exported / "own")

    assert folders.located(["own"], print) == [folders.exported / "own"]


def test_a_network_of_the_table_that_was_exported_among_the_own_ones_is_not_exported_again(folders: Folders) -> None:
    place = folders.own / "efficientnet_lite0"
    place.mkdir()
    (place / "manifest.json").write_text(json.dumps({"recipe_sha256": recipe_sha256()}))

    assert folders.located(["efficientnet_lite0"], print) == [place]


@pytest.mark.parametrize("main", [evaluate.main, adapt.main], ids=["evaluate", "adapt"])
def test_a_network_that_is_in_neither_folder_is_told_with_both(
    main: Any, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = write(tmp_path / "shop", 3, 4)
    named = ["--models", "clip"] if main is evaluate.main else ["clip"]

    assert _run(main, monkeypatch, folders, *named, "--images", str(shop)) == 2

    said = capsys.readouterr().err
    assert f"neither in {folders.exported} nor in {folders.own}, where there are: own." in said


@pytest.mark.parametrize("main", [evaluate.main, adapt.main], ids=["evaluate", "adapt"])
def test_a_model_elsewhere_is_refused_in_one_line(
    main: Any, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = remote.export(NOVA, folders.own, print)
    shop = write(tmp_path / "shop", 3, 4)
    named = ["--models", f"own,{elsewhere}"] if main is evaluate.main else [elsewhere]

    assert _run(main, monkeypatch, folders, *named, "--images", str(shop)) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{elsewhere} is computed elsewhere (bedrock/amazon.nova-2-multimodal-embeddings-v1:0)")


def test_what_is_refused_is_refused_before_a_network_is_exported(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ensure", lambda *_: pytest.fail("a network was exported"))

    with pytest.raises(Misconfigured, match="neither in"):
        folders.located(["efficientnet_lite0", "clip"], print)
