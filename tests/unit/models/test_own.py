"""Networks of one's own: guessed, exported, and compared with ONNX Runtime."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.errors import RequestInvalid

from layers.models import canonical, export, own, own_export, quantise
from layers.models.own_description import Undescribed
from tests.unit.models.small_networks import DIMENSIONS, HIDDEN, LENGTH, SIZE, WORDLIST, clip_folder, tokenizer, vision_network


def _pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


def test_both_encoders_of_a_pair_give_what_onnx_runtime_gives(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "tiny-clip")
    model = own_export.export(own.described(folder), tmp_path / "models", print)

    embedder = OpenVinoEmbedder(tmp_path / "models" / model)
    vision = onnxruntime.InferenceSession(folder / "onnx" / "vision_model.onnx")
    for seed in range(5):
        prepared = (_pixels(seed) / 255 - [0.48, 0.46, 0.41]) / [0.27, 0.26, 0.28]
        [expected] = vision.run(["image_embeds"], {"pixel_values": prepared.transpose(2, 0, 1)[np.newaxis].astype(np.float32)})
        assert _cosine(embedder.embed([_pixels(seed)]), expected) >= 0.9999

    text = openvino.Core().compile_model(tmp_path / "models" / model / "text.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tokens, mask = np.array([[9, 2, 4, 0, 0, 0]]), np.array([[1, 1, 1, 0, 0, 0]])
    session = onnxruntime.InferenceSession(folder / "onnx" / "text_model.onnx")
    [expected] = session.run(["text_embeds"], {"input_ids": tokens, "attention_mask": mask})
    assert _cosine(text([tokens, mask])[0], expected) >= 0.9999
    assert _cosine(embedder.embed_text("A red HAT"), expected) >= 0.9999

    manifest = json.loads((tmp_path / "models" / model / "manifest.json").read_text())
    assert (manifest["dimensions"], manifest["text"]) == (DIMENSIONS, {"length": LENGTH, "pad_token": "<pad>", "lower_case": False})
    assert export.ensure(model, tmp_path / "models", print) == model


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_a_described_file_is_pooled_as_it_says(tmp_path: Path, pooling: str) -> None:
    vision_network(tmp_path / "net.onnx", projects=False)
    description = {"id": "mine", "input_size": [SIZE, SIZE], "mean": [127.5] * 3, "scale": [127.5] * 3, "pooling": pooling}
    (tmp_path / "network.json").write_text(json.dumps(description))

    model = own_export.export(own.described(tmp_path / "net.onnx"), tmp_path / "models", print)

    [tokens] = onnxruntime.InferenceSession(tmp_path / "net.onnx").run(
        ["last_hidden_state"], {"pixel_values": ((_pixels(1) - 127.5) / 127.5).transpose(2, 0, 1)[np.newaxis].astype(np.float32)}
    )
    expected = tokens.mean(axis=1) if pooling == "mean" else tokens[:, 0]
    assert expected.shape == (1, HIDDEN)
    assert _cosine(OpenVinoEmbedder(tmp_path / "models" / model).embed([_pixels(1)]), expected) >= 0.9999


def test_a_model_that_knows_pictures_alone_refuses_words(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "pictures")
    (folder / "onnx" / "text_model.onnx").unlink()
    model = own_export.export(own.described(folder), tmp_path / "models", print)

    with pytest.raises(RequestInvalid, match="'pictures' has no text encoder") as refused:
        OpenVinoEmbedder(tmp_path / "models" / model).embed_text("a hat")

    assert refused.value.field == "text"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    vision_network(tmp_path / "net.onnx", projects=False)
    with pytest.raises(Undescribed, match=r"neither network.json nor a preprocessor_config.json"):
        own.described(tmp_path / "net.onnx")

    (tmp_path / "network.json").write_text(json.dumps({"input_size": [SIZE, SIZE]}))
    with pytest.raises(Undescribed, match="3 dimensions: say how they become a vector"):
        own_export.export(own.described(tmp_path / "net.onnx"), tmp_path / "models", print)

    (tmp_path / "network.json").write_text(json.dumps({"input_size": [SIZE, SIZE], "output": "pooled"}))
    with pytest.raises(Undescribed, match="no output 'pooled': last_hidden_state"):
        own_export.export(own.described(tmp_path / "net.onnx"), tmp_path / "models", print)

    (tmp_path / "network.json").write_text(json.dumps({"size": 3}))
    with pytest.raises(Undescribed, match="says size, which means nothing here"):
        own.described(tmp_path / "net.onnx")
    assert not list((tmp_path / "models").iterdir())


def test_a_folder_that_is_no_exported_model_is_never_written_over(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "tiny-clip")

    with pytest.raises(Undescribed, match="is no exported model"):
        own_export.export(own.described(folder), tmp_path, print)

    assert (folder / "onnx" / "vision_model.onnx").exists()


def test_an_export_of_the_same_weights_with_another_vector_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "models" / own_export.export(own.described(clip_folder(tmp_path / "tiny")), tmp_path / "models", print)
    assert model.name == "tiny"
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"canonical_vector": [1.0, *manifest["canonical_vector"][1:]]}))

    with pytest.raises(Undescribed, match="differs by"):
        own_export.export(own.described(clip_folder(tmp_path / "again" / "tiny")), tmp_path / "models", print)


def _tiny(tmp_path: Path) -> Path:
    """A pair of encoders, exported."""
    return tmp_path / "models" / own_export.export(own.described(clip_folder(tmp_path / "tiny")), tmp_path / "models", print)


def test_a_text_s_vector_is_kept_and_found_again_by_the_next_export_of_the_same_weights(tmp_path: Path) -> None:
    model = _tiny(tmp_path)
    kept = json.loads((model / "manifest.json").read_text())["canonical_text_vector"]
    assert OpenVinoEmbedder(model).embed_text(canonical.TEXT) == pytest.approx(kept, abs=1e-6)

    own_export.export(own.described(tmp_path / "tiny"), tmp_path / "models", print)

    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["canonical_text_vector"] == kept
    (model / "manifest.json").write_text(json.dumps(manifest | {"canonical_text_vector": [kept[0] + 0.001, *kept[1:]]}))
    with pytest.raises(Undescribed, match=r"canonical text's vector differs by 0.001 "):
        own_export.export(own.described(tmp_path / "tiny"), tmp_path / "models", print)


def test_another_tokenizer_is_no_change_of_the_same_weights(tmp_path: Path) -> None:
    model = _tiny(tmp_path)
    earlier = json.loads((model / "manifest.json").read_text())
    (tmp_path / "tiny" / "tokenizer.json").write_text(json.dumps(tokenizer(WORDLIST[::-1])))

    own_export.export(own.described(tmp_path / "tiny"), tmp_path / "models", print)

    later = json.loads((model / "manifest.json").read_text())
    assert later["canonical_text_vector"] != earlier["canonical_text_vector"]
    assert later["weights_sha256"] == earlier["weights_sha256"]


def test_words_without_the_library_that_cuts_them_into_tokens_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(Undescribed, match="needs the Python package tokenizers"):
        _tiny(tmp_path)

    assert not list((tmp_path / "models").iterdir())


def test_weights_in_a_file_beside_the_network_tell_one_model_from_another(tmp_path: Path) -> None:
    checksums = set()
    for number in range(2):
        folder = clip_folder(tmp_path / str(number) / "net")
        network = onnx.load(folder / "onnx" / "vision_model.onnx")
        for weights in network.graph.initializer:
            if weights.data_type == onnx.TensorProto.FLOAT:
                weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights) + number, weights.name))
        place = folder / "onnx" / "vision_model.onnx"
        onnx.save(network, place, save_as_external_data=True, location="vision_model.onnx_data", size_threshold=0)
        models = tmp_path / str(number) / "models"
        checksums.add(
            json.loads((models / own_export.export(own.described(folder), models, print) / "manifest.json").read_text())["weights_sha256"]
        )

    assert len(checksums) == 2


def test_a_padding_that_the_tokenizer_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "net")
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))

    with pytest.raises(Undescribed, match=r"tokenizer.json has no token '\[PAD\]'"):
        own_export.export(own.described(folder), tmp_path / "models", print)


def test_a_description_of_another_file_is_not_taken_for_this_one(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        vision_network(tmp_path / name, projects=False)
    (tmp_path / "network.json").write_text(json.dumps({"input_size": [SIZE, SIZE], "file": "a.onnx"}))

    assert own.described(tmp_path / "a.onnx").id == "a"
    with pytest.raises(Undescribed, match=r"describes a\.onnx, not b\.onnx"):
        own.described(tmp_path / "b.onnx")


def test_a_folder_of_networks_does_not_describe_those_in_its_folders(tmp_path: Path) -> None:
    vision_network(tmp_path / "a.onnx", projects=False)
    (tmp_path / "network.json").write_text(json.dumps({"input_size": [SIZE, SIZE], "file": "a.onnx", "id": "a"}))

    assert own.described(clip_folder(tmp_path / "tiny-clip")).id == "tiny-clip"


def test_a_network_in_the_present_folder_has_that_folder_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip_folder(tmp_path / "tiny-clip"))

    assert own.described(Path()).id == "tiny-clip"


def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "tiny-clip")
    (folder / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1")

    with pytest.raises(Undescribed, match="is no file of the library tokenizers"):
        own_export.export(own.described(folder), tmp_path / "models", print)


@pytest.mark.parametrize("count", [10, 300, 599, 899, 1000])
def test_calibration_pictures_are_evenly_chosen(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / f"{number:04}.jpg").write_bytes(str(number).encode())

    chosen = [int(content) for content in quantise.calibrating(tmp_path)]

    gaps = {after - before for before, after in pairwise(chosen)}
    assert len(chosen) == min(count, quantise.PICTURES)
    assert max(gaps) - min(gaps) <= 1
    assert chosen[-1] >= count - 1 - max(gaps)
