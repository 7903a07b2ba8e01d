"""EfficientNet-Lite's table of blocks, and how a larger network of the family is had from it."""

from math import ceil
from typing import NamedTuple

from layers.models.networks import Network


class Stage(NamedTuple):
    """A run of blocks of the same kind; only the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expansion=1, filters=16),
    Stage(repeats=2, kernel=3, stride=2, expansion=6, filters=24),
    Stage(repeats=2, kernel=5, stride=2, expansion=6, filters=40),
    Stage(repeats=3, kernel=3, stride=2, expansion=6, filters=80),
    Stage(repeats=3, kernel=5, stride=1, expansion=6, filters=112),
    Stage(repeats=4, kernel=5, stride=2, expansion=6, filters=192),
    Stage(repeats=1, kernel=3, stride=1, expansion=6, filters=320),
)
"""EfficientNet-B0's: "EfficientNet" (2019), table 1."""


def scaled(network: Network) -> list[Stage]:
    """The stages of a network: filters times its width, repeats times its depth, the first and the last stage run once all the same."""
    return [
        stage._replace(
            filters=rounded(stage.filters * network.width),
            repeats=stage.repeats if stage in (STAGES[0], STAGES[-1]) else ceil(stage.repeats * network.depth),
        )
        for stage in STAGES
    ]


def rounded(filters: float, divisor: int = 8) -> int:
    """The nearest multiple of the divisor that is not more than a tenth below, as EfficientNet scales its width."""
    nearest = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * filters else nearest + divisor
