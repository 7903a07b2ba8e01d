"""Transforms of vectors that are learned from labels in closed form, no descent: whitening and a ridge head."""

from dataclasses import dataclass

import numpy as np
from lookalike.domain import Vectors
from numpy.typing import NDArray

from layers.quality.measures import Labels

WHITENED_DIMENSIONS = 512
RIDGE = 0.05
"""Ridge penalty for a hundredth of the pictures. From 0.03 to 0.1 the hits are the same within a point."""

LOGIT_WEIGHT = 1.5
"""How much the head's logits, near one for the class and near zero for the others, count beside the vector of unit length.

From 1 to 2 P@1 and P@5 of held-out pictures are the same within a point and a half; more helps P@5 and costs P@1.
"""

MAX_CLASSES = 512
"""Of a head: each is a number more in the vector."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Affine:
    """``x @ matrix + offset``; the matrix has the shape (dimensions in, dimensions out)."""

    matrix: Matrix
    offset: Matrix

    def __call__(self, vectors: Matrix) -> Matrix:
        """Of vectors of shape (n, dimensions in)."""
        out: Matrix = vectors @ self.matrix + self.offset
        return out


@dataclass(frozen=True, slots=True)
class Transform:
    """What is learned: the vector or its whitened form, of unit length; beside it the head's logits and a colour histogram, weighted.

    The whole is of unit length again. ``head`` takes the vector, not its whitened form.
    """

    whitening: Affine | None = None
    head: Affine | None = None
    colour: float = 0.0

    def __call__(self, vectors: Vectors, histograms: Vectors | None = None) -> Vectors:
        """Unit vectors, float32, shape (n, dimensions); ``histograms`` of the same pictures are needed where ``colour`` is not zero."""
        given = vectors.astype(np.float64)
        parts = [unit(self.whitening(given)) if self.whitening else given]
        if self.head:
            parts.append(LOGIT_WEIGHT * self.head(given))
        if self.colour:
            parts.append(self.colour * np.asarray(histograms, np.float64))
        return unit(np.hstack(parts)).astype(np.float32)


def unit(vectors: Matrix) -> Matrix:
    """Scaled to unit length; a vector of zeros stays."""
    scaled: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled


def whitening(vectors: Vectors, labels: Labels) -> Affine:
    """Makes the differences within classes equally large in all directions; then the principal components of what comes out.

    The covariance within classes is regularised by its own mean eigenvalue. After Mikolajczyk and Matas, "Improving descriptors for
    fast tree matching by optimal linear projection" (2007).
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = (vectors - mean).astype(np.float32)
    dimensions = centred.shape[1]
    total = (centred.T @ centred).astype(np.float64) / len(centred)
    between = _class_sums(centred, labels)
    counts = np.maximum(np.bincount(labels), 1)
    within = total - (between.T / counts) @ between / len(centred)
    within += np.trace(within) / dimensions * np.eye(dimensions)
    whiten = np.linalg.inv(np.linalg.cholesky(within)).T
    _, principal = np.linalg.eigh(whiten.T @ total @ whiten)
    matrix = whiten @ principal[:, ::-1][:, :WHITENED_DIMENSIONS]
    return Affine(matrix, -mean @ matrix)


def ridge_head(vectors: Vectors, labels: Labels) -> Affine:
    """Ridge regression of the classes, one-hot, on the vectors: a logit for each class."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = (vectors - mean).astype(np.float32)
    penalty = RIDGE * len(centred) / 100
    gram = (centred.T @ centred).astype(np.float64) + penalty * np.eye(centred.shape[1])
    classes = np.unique(labels, return_inverse=True)[1]
    shares = np.bincount(classes) / len(classes)
    matrix = np.linalg.solve(gram, _class_sums(centred, classes).T)
    return Affine(matrix, shares - mean @ matrix)


def _class_sums(vectors: NDArray[np.float32], labels: Labels) -> Matrix:
    """The sum of each class's vectors, shape (classes, dimensions)."""
    order = np.argsort(labels, kind="stable")
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]))
    present, starts = np.unique(labels[order], return_index=True)
    sums[present] = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64)
    return sums
