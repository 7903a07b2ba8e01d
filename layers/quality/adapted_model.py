"""Writes what was learned as a model of its own, in the form in which all models are exported."""

import shutil
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from lookalike.domain import Vectors

from layers.models import canonical, computed
from layers.quality import adapted_text, assembly, choice, variants
from layers.quality.choice import Choice, Recipe
from layers.quality.openvino_runtime import openvino
from layers.quality.transforms import Transform
from layers.quality.variants import OWN

LEAST_COSINE = 0.9999
"""Between what the written graph gives and the same arithmetic in float64."""

COMPARED = 16
"""Vectors by which the two are compared."""


def write(base: Path, chosen: Choice, transform: Transform, vectors: Vectors) -> Path:
    """Writes the model beside the one in ``base``, the folder of the network that was adapted, whole or not at all; returns its folder.

    ``vectors`` are those of the pictures that the transform was learned from. Texts can be searched by where `adapted_text.keeps_texts`.
    """
    described = variants.manifest(base, chosen.recipe.variant)
    weights = _checksum(described["weights_sha256"], chosen.recipe, transform)
    target = base.with_name(f"{described['id']}-adapted-{weights[:8]}")
    unfinished = Path(mkdtemp(prefix=".adapting-", dir=base.parent))
    try:
        vector = _save_graph(unfinished, base, chosen.recipe, transform, described["input_size"])
        is_of_vectors = chosen.recipe.variant == OWN and not chosen.recipe.colour
        if is_of_vectors:
            _save_transform(unfinished, transform, vectors[:COMPARED])
        keeps_texts = adapted_text.keeps_texts(base, chosen.recipe)
        if keeps_texts:
            adapted_text.write(base, unfinished, transform, vectors)
        described |= {
            "id": target.name,
            "dimensions": len(vector),
            "adapted_from": described["weights_sha256"] if is_of_vectors else None,
            "weights_sha256": weights,
            "preprocessing": f"{described['preprocessing']}; {', '.join(chosen.recipe.parts)}",
            "text": described.get("text") if keeps_texts else None,
            "score_band": None,
            "adapted": {"from": described["id"], "learned_from": len(vectors), **choice.summary(chosen)},
            "canonical_vector": canonical.beginning(vector),
        }
        computed.write(unfinished, described)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _save_graph(folder: Path, base: Path, recipe: Recipe, transform: Transform, input_size: tuple[int, int]) -> Vectors:
    """Saves the whole network; returns its vector of the canonical picture."""
    openvino.save_model(assembly.transformed(variants.graph(base, recipe.variant), transform), folder / "model.xml", compress_to_fp16=False)
    picture = canonical.picture(input_size)
    vector: Vectors = assembly.run(openvino.Core().read_model(folder / "model.xml"), picture[np.newaxis])[0]
    return vector


def _save_transform(folder: Path, transform: Transform, vectors: Vectors) -> None:
    """Saves the transform alone, for vectors that an index holds already."""
    alone = assembly.transform_alone(transform, vectors.shape[1])
    openvino.save_model(alone, folder / "transform.xml", compress_to_fp16=False)
    written = assembly.run(openvino.Core().read_model(folder / "transform.xml"), vectors)
    least = float((written * transform(vectors)).sum(axis=1).min())
    if least < LEAST_COSINE:
        raise ArithmeticError(f"the transform that was written turns vectors: the least cosine is {least:.6f}")


def _checksum(base: str, recipe: Recipe, transform: Transform) -> str:
    digest = sha256(f"{base} {recipe.variant} {recipe.colour}".encode())
    for affine in (transform.whitening, transform.head):
        if affine:
            digest.update(affine.matrix.astype(np.float32).tobytes() + affine.offset.astype(np.float32).tobytes())
    return digest.hexdigest()
