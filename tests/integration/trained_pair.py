"""A pair of encoders in CLIP's shape, trained for seconds on drawn products and their names, as a folder that can be exported."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from lookalike.domain import Pixels
from PIL import Image, ImageDraw

from tests.unit.models.small_networks import tokenizer

SIZE, LENGTH, DIMENSIONS, STEPS, BATCH = 32, 6, 64, 300, 64
COLOURS = {"red": "#c82020", "green": "#208a3a", "blue": "#2040c8", "yellow": "#e0c020", "black": "#202024", "pink": "#e878a8"}
THINGS = ("plate", "box", "tent", "ring", "cross", "pole")
WORDS = ("<pad>", "<unk>", *COLOURS, *THINGS, "with", "dots")


@dataclass(frozen=True)
class Drawn:
    """A product: its picture is another one for each seed."""

    thing: str
    colour: str
    is_dotted: bool
    seed: int

    @property
    def name(self) -> str:
        """As a shop would call it."""
        return f"{self.colour.capitalize()} {self.thing}{' with dots' if self.is_dotted else ''}"

    @property
    def pixels(self) -> Pixels:
        """128 x 128 of them: size, place and background are drawn by lot."""
        drawn = np.random.default_rng(self.seed)
        image = Image.new("RGB", (128, 128), tuple(int(each) for each in drawn.integers(205, 256, 3)))
        edge, (x, y), draw = int(drawn.integers(56, 88)), drawn.integers(8, 36, 2).tolist(), ImageDraw.Draw(image)
        colour, (right, bottom), middle = COLOURS[self.colour], (x + edge, y + edge), (x + edge // 2, y + edge // 2)
        match self.thing:
            case "plate":
                draw.ellipse((x, y, right, bottom), fill=colour)
            case "box":
                draw.rectangle((x, y, right, bottom), fill=colour)
            case "tent":
                draw.polygon(((middle[0], y), (right, bottom), (x, bottom)), fill=colour)
            case "ring":
                draw.ellipse((x, y, right, bottom), outline=colour, width=edge // 5)
            case "cross":
                draw.line((x, y, right, bottom), fill=colour, width=edge // 4)
                draw.line((x, bottom, right, y), fill=colour, width=edge // 4)
            case "pole":
                draw.rectangle((middle[0] - edge // 8, y, middle[0] + edge // 8, bottom), fill=colour)
        for left, top in drawn.integers((x, y), (right - 8, bottom - 8), (14, 2)).tolist() if self.is_dotted else ():
            draw.ellipse((left, top, left + 8, top + 8), fill="white")
        return np.asarray(image)


def products(count: int, seed: int) -> list[Drawn]:
    """Every kind in turn."""
    kinds = list(product(THINGS, COLOURS, (False, True)))
    return [Drawn(*kinds[number % len(kinds)], seed * 100_000 + number) for number in range(count)]


def trained(folder: Path) -> Path:
    """SavedModels of both encoders, a tokenizer that knows the words, and `network.json`."""
    keras.utils.set_random_seed(5)
    image, text = _image_encoder(), _text_encoder()
    pictures, words = (layers.UnitNormalization()(encoder.output) for encoder in (image, text))
    pair = keras.Model([image.input, text.input], 12 * ops.matmul(pictures, ops.transpose(words)))
    pair.compile(keras.optimizers.Adam(0.004), _loss)
    pair.fit(_batches(products(1440, seed=1)), steps_per_epoch=STEPS, shuffle=False, verbose=0)
    image.export(folder / "image", verbose=False)
    text.export(folder / "words", verbose=False)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(WORDS)))
    told = {"file": "words", "tokenizer": "tokenizer.json", "length": LENGTH, "pad_token": "<pad>"}
    described = {"id": "drawn-clip", "file": "image", "input_size": [SIZE, SIZE], "mean": [127.5] * 3, "scale": [127.5] * 3, "text": told}
    (folder / "network.json").write_text(json.dumps(described))
    return folder


def _image_encoder() -> keras.Model:
    pixels = keras.Input((SIZE, SIZE, 3))
    x = pixels
    for filters in (16, 32, 48):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
    return keras.Model(pixels, layers.Dense(DIMENSIONS)(layers.Flatten()(x)))


def _text_encoder() -> keras.Model:
    tokens = keras.Input((LENGTH,), dtype="int32", name="input_ids")
    found = layers.Embedding(len(WORDS), 32, mask_zero=True)(tokens)
    return keras.Model(tokens, layers.Dense(DIMENSIONS)(layers.GlobalAveragePooling1D()(found)))


def _loss(goes_together: Any, likeness: Any) -> Any:
    """CLIP's: each picture has to find its text in the batch, and each text its pictures; equal texts count alike."""
    wanted = ops.softmax(1000.0 * ops.cast(goes_together, "float32"))
    each_way = (keras.losses.categorical_crossentropy(wanted, logits, from_logits=True) for logits in (likeness, ops.transpose(likeness)))
    return sum(each_way)


def _batches(catalogue: Sequence[Drawn]) -> Iterator[tuple[tuple[object, object], object]]:
    """Pictures and tokens, and which text of the batch is each picture's."""
    small = [np.asarray(Image.fromarray(each.pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for each in catalogue]
    pictures = (np.stack(small).astype(np.float32) - 127.5) / 127.5
    words = [[WORDS.index(word) for word in each.name.lower().split()] for each in catalogue]
    tokens = np.array([(each + [0] * LENGTH)[:LENGTH] for each in words], np.int32)
    drawn = np.random.default_rng(6)
    while True:
        chosen = drawn.choice(len(catalogue), BATCH, replace=False)
        yield (pictures[chosen], tokens[chosen]), (tokens[chosen][:, np.newaxis] == tokens[chosen][np.newaxis]).all(axis=2)
