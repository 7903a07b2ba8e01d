"""The reference's search, for comparison: the network by Keras, the score by a script on every document.

Everything is loaded when the module is imported, which is Lambda's init phase.
"""

import base64
import io
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
from elasticsearch import Elasticsearch
from keras.applications import inception_resnet_v2
from PIL import Image

WEIGHTS = Path("/opt/reference.weights.h5")
SIDE = 299
SEED = 0


def network() -> keras.Model:
    """InceptionResNetV2's global average pool, with random weights."""
    keras.utils.set_random_seed(SEED)
    return inception_resnet_v2.InceptionResNetV2(weights=None, include_top=False, pooling="avg", input_shape=(SIDE, SIDE, 3))


def write_weights() -> None:
    """While the image is built: what is loaded at run time."""
    network().save_weights(WEIGHTS)


def load() -> keras.Model:
    """The network as it is had at run time."""
    model = network()
    model.load_weights(WEIGHTS)
    return model


MODEL = load() if WEIGHTS.exists() else None
ELASTICSEARCH = Elasticsearch(os.environ.get("LOOKALIKE_ELASTICSEARCH_URL", "http://localhost:9200"))


def handler(event: dict[str, Any], _context: object) -> Any:
    """``image`` (base64) and ``index`` to the ids of what looks like it; without an image, nothing is done."""
    if "image" not in event:
        return "ready"
    assert MODEL
    picture = Image.open(io.BytesIO(base64.b64decode(event["image"]))).convert("RGB").resize((SIDE, SIDE))
    pixels = inception_resnet_v2.preprocess_input(np.asarray(picture, dtype=np.float32)[np.newaxis])
    vector = MODEL.predict(pixels, verbose=0)[0]
    script = {"source": "1 / (1 + l2norm(params.queryVector, 'imageVector'))", "params": {"queryVector": vector.tolist()}}
    query = {"script_score": {"query": {"match_all": {}}, "script": script}}
    found = ELASTICSEARCH.search(index=event["index"], query=query, size=10, source=False)
    return [hit["_id"] for hit in found["hits"]["hits"]]
