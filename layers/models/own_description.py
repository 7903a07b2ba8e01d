"""What a network of one's own needs to be told, checked as soon as it is said."""

import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

from lookalike.domain import Resize

from layers.models.networks import Interpolation, Precision, is_reserved

Layout = Literal["NCHW", "NHWC"]
Pooling = Literal["none", "mean", "first"]
"""Of an output with a vector for each place or token: the mean of all, or the first one (the class token)."""

LEGAL_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")
"""What can stand in the name of an Elasticsearch index, and of a folder."""


class Undescribed(Exception):
    """The network cannot be used as it is described; the message says what is missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder:
    """A network from tokens to a vector that can be compared with those of pictures.

    ``length`` tokens are given, filled up with ``pad_token``; ``tokenizer`` is a file of the library tokenizers. ``lower_case``: the
    text is made small letters before. Raises `Undescribed` if a value is none that it can have.
    """

    file: Path
    tokenizer: Path
    length: int
    pad_token: str
    output: str | None = None
    pooling: Pooling = "none"
    lower_case: bool = False

    def __post_init__(self) -> None:
        _one_of("text.pooling", self.pooling, get_args(Pooling))
        if not is_count(self.length):
            raise Undescribed(f"text.length must be a number of tokens, and is {self.length!r}")
        if not isinstance(self.lower_case, bool):
            raise Undescribed(f"text.lower_case must be true or false, and is {self.lower_case!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNetwork:
    """An image encoder. Preprocessing is ``(pixel - mean) / scale`` for each channel, pixels from 0 to 255.

    ``input_size`` is (width, height); ``crop_share`` the share of the centre's edge that ``centre_crop`` keeps; ``output`` the name of the
    output that is the vector, needed where there are several and none has a well-known name. ``layout`` is read from the network's own
    shape where it is not given. Raises `Undescribed` if a value is none that it can have.
    """

    id: str
    file: Path
    input_size: tuple[int, int]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layout: Layout | None = None
    resize: Resize = "stretch"
    crop_share: float = 1.0
    interpolation: Interpolation = "bilinear"
    output: str | None = None
    pooling: Pooling = "none"
    precision: Precision = "f32"
    licence: str = "not stated"
    text: TextEncoder | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.id, str) and LEGAL_ID.fullmatch(self.id)):
            raise Undescribed(f"id must be small letters, digits and any of - _ . between them, and is {self.id!r}")
        if is_reserved(self.id):
            raise Undescribed(f"{self.id!r} is the name of something else here: rename the file or folder, or give an id in network.json")
        if not (isinstance(self.input_size, tuple) and len(self.input_size) == 2 and all(map(is_count, self.input_size))):
            raise Undescribed(f"input_size must be [width, height] in pixels, and is {self.input_size!r}")
        for name, values in (("mean", self.mean), ("scale", self.scale)):
            if not (isinstance(values, tuple) and len(values) == 3 and all(map(_is_number, values))):
                raise Undescribed(f"{name} must be three numbers, one for each channel, and is {values!r}")
        if 0 in self.scale:
            raise Undescribed("scale must not be 0: pixels are divided by it")
        _one_of("layout", self.layout, (*get_args(Layout), None))
        _one_of("resize", self.resize, get_args(Resize))
        _one_of("interpolation", self.interpolation, get_args(Interpolation))
        _one_of("pooling", self.pooling, get_args(Pooling))
        _one_of("precision", self.precision, get_args(Precision))
        if not (_is_number(self.crop_share) and 0 < self.crop_share <= 1) or (self.crop_share != 1 and self.resize != "centre_crop"):
            raise Undescribed(f"crop_share must be above 0 and 1 at most, and is of centre_crop alone; it is {self.crop_share!r}")

    @property
    def preprocessing(self) -> str:
        """The preprocessing in words, for the manifest."""
        return f"uint8 RGB, {self.resize} to {self.input_size[0]}x{self.input_size[1]}, (x - {self.mean}) / {self.scale}"


def is_count(value: Any) -> bool:
    """Whether a value from JSON is a whole number above 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        raise Undescribed(f"{name} must be one of {', '.join(str(each) for each in known if each)}, and is {value!r}")
