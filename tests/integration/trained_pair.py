"""A pair of encoders in CLIP's shape, trained for seconds on drawn products and their names, as a folder that can be exported."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

from tests.integration.named_products import COLOURS, THINGS, Drawn, products
from tests.unit.models.small_networks import tokenizer

SIZE, LENGTH, DIMENSIONS, STEPS, BATCH = 32, 6, 64, 300, 64
WORDS = ("<pad>", "<unk>", *COLOURS, *THINGS, "with", "dots")


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
