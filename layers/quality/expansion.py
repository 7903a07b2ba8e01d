"""Query expansion: a query is moved to the mean of itself and its first hits, and searched again.

The mean is plain after Chum et al., "Total Recall" (2007), or each hit counts as a power of its cosine: the third after Radenović, Tolias
and Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation" (2018).
"""

from collections.abc import Mapping

import numpy as np
from lookalike.domain import Vectors
from numpy.typing import NDArray

from layers.quality.transforms import unit

WEIGHTINGS: Mapping[str, float] = {"average": 0, "cosine": 1, "cosine^3": 3}
"""The power of its cosine by which a hit counts; the query counts as 1."""


def expanded(queries: Vectors, hits: NDArray[np.float32], power: float) -> Vectors:
    """The moved queries, of unit length.

    Args:
        queries: shape (n, dimensions).
        hits: the vectors of each query's first hits, shape (n, hits, dimensions), zero where there are fewer.
        power: as in `WEIGHTINGS`; hits on the other side of the origin do not count.
    """
    cosines = np.einsum("nd,nkd->nk", queries, hits)
    weights = np.where(cosines > 0, np.clip(cosines, 0, None) ** power, 0)
    return unit(queries + np.einsum("nk,nkd->nd", weights, hits)).astype(np.float32)
