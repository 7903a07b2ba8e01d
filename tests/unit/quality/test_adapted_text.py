"""Texts stay comparable with pictures in an adapted model, or are left out of it, which is said."""

import json
from pathlib import Path

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels, Vectors
from lookalike.errors import Misconfigured, RequestInvalid
from rich.console import Console

from layers.models import own, own_export
from layers.models.check_image import faults_of_networks
from layers.quality import adapt, adapted_model, choice, variants
from layers.quality.assembly import COLOURS
from layers.quality.choice import Choice, Features, Gain, Recipe
from layers.quality.labelled import Labelled
from layers.quality.measures import Scores
from layers.quality.transforms import Transform
from layers.quality.variants import VARIANTS
from tests.unit.models.small_networks import SIZE, WORDLIST, clip_folder

LABELS = np.repeat(np.arange(3), 8)
TEXTS = ("a red hat", "blue shoe with flowers", "dress")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A pair of encoders."""
    models = tmp_path / "models"
    return models / own_export.export(own.described(clip_folder(tmp_path / "tiny-clip")), models, print)


def _features(base: Path, recipe: Recipe) -> Features:
    pixels: list[Pixels] = list(np.random.default_rng(5).integers(0, 256, (len(LABELS), SIZE, SIZE, 3), dtype=np.uint8))
    with variants.embedders(base, [recipe.variant]) as [embedder]:
        made = embedder.embed(pixels)
    return {recipe.variant: (made[:, :-COLOURS], made[:, -COLOURS:])}


def _written(base: Path, recipe: Recipe) -> tuple[Path, Transform, Vectors]:
    """The adapted model, what it learned, and from which vectors."""
    features = _features(base, recipe)
    transform = choice.learn(recipe, LABELS, features)
    vectors = features[recipe.variant][0]
    return adapted_model.write(base, Choice(recipe, None, None), transform, vectors), transform, vectors


def _texts(folder: Path, texts: tuple[str, ...] = TEXTS) -> Vectors:
    embedder = OpenVinoEmbedder(folder)
    return np.stack([embedder.embed_text(text) for text in texts])


@pytest.mark.parametrize(
    "recipe",
    [Recipe(whitens=True), Recipe(has_head=True), Recipe(whitens=True, has_head=True), Recipe(VARIANTS[1], whitens=True)],
    ids=lambda recipe: "+".join(recipe.parts),
)
def test_texts_are_moved_to_where_pictures_lie_and_transformed_as_they_are(base: Path, recipe: Recipe) -> None:
    folder, transform, vectors = _written(base, recipe)

    words = tuple(word for word in WORDLIST if word.isalpha())
    moved = _texts(base) + vectors.mean(axis=0) - _texts(base, words).mean(axis=0)
    assert (_texts(folder) * transform(moved)).sum(axis=1).min() >= 0.9999
    assert list(faults_of_networks(folder.parent)) == []


def test_texts_stay_as_they_are_where_pictures_are_shown_otherwise_and_no_vector_is_changed(base: Path) -> None:
    folder, *_ = _written(base, Recipe(VARIANTS[1]))

    assert np.allclose(_texts(folder), _texts(base), atol=1e-6)


def test_a_tokenizer_without_words_is_said(base: Path) -> None:
    tokenizer = json.loads((base / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = {"<pad>": 0, "<unk>": 1}
    (base / "tokenizer.json").write_text(json.dumps(tokenizer))

    with pytest.raises(Misconfigured, match="knows no word"):
        _written(base, Recipe(whitens=True))
    assert [folder.name for folder in base.parent.iterdir()] == [base.name]


def test_a_model_that_counts_colours_promises_no_texts_and_the_command_says_so(
    base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = Recipe(colour=0.3)
    gain = Gain(Scores(*[np.zeros(9)] * 4), Scores(*[np.ones(9)] * 4))
    monkeypatch.setattr(choice, "choose", lambda *_: Choice(recipe, gain, None))
    pictures = Labelled.of([str(n) for n in range(len(LABELS))], LABELS.astype(str).tolist(), ["0" * 64] * len(LABELS))

    folder = adapt.adapt(base, pictures, _features(base, recipe), Console(width=1000))

    assert "texts cannot be searched by with this model" in capsys.readouterr().out
    _has_no_texts(folder)


def test_a_model_whose_text_encoder_was_taken_out_becomes_one_without(base: Path) -> None:
    (base / "text.xml").unlink()

    folder, *_ = _written(base, Recipe(whitens=True))

    _has_no_texts(folder)


def _has_no_texts(folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text())["text"] is None
    assert not (folder / "text.xml").exists()
    with pytest.raises(RequestInvalid, match="no text encoder"):
        OpenVinoEmbedder(folder).embed_text("a red hat")
