"""The commands of layers/models/README.md that fetch published networks ask for the files that the export reads."""

import re
import shlex
from contextlib import suppress

import click
import pytest
from huggingface_hub.cli import download, hf

from tests.unit.sam_template import ROOT

PAGE = (ROOT / "layers" / "models" / "README.md").read_text()
COMMANDS = re.findall(r"^hf download .+$", PAGE.replace("\\\n", ""), re.MULTILINE)
WITH_WORDS = {"onnx/vision_model.onnx", "onnx/text_model.onnx", "tokenizer.json", "tokenizer_config.json"}


@pytest.mark.parametrize("command", COMMANDS)
def test_hugging_face_s_command_asks_for_every_file_that_the_export_reads(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(download, "snapshot_download", lambda **given: asked.update(given) or "fetched")
    monkeypatch.setattr("sys.argv", shlex.split(command))

    with suppress(SystemExit, click.exceptions.Exit):
        hf.main()  # type: ignore[no-untyped-call]

    networks = {"onnx/model.onnx"} if "dinov2" in command else WITH_WORDS
    assert set(asked["allow_patterns"]) == {"config.json", "preprocessor_config.json"} | networks  # type: ignore[call-overload]
    assert str(asked["local_dir"]) in PAGE.partition("| model | pictures")[2]


def test_three_networks_are_shown() -> None:
    assert len(COMMANDS) == 3
