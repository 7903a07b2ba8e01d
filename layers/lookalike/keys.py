"""The product id in the key of an S3 object."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lookalike.errors import RequestInvalid

PLACE = "{product_id}"

DEFAULT_PATTERNS = (f"images/{PLACE}/*", f"images/{PLACE}.*")
"""``images/PRODUCT_ID/NAME.jpg`` and ``images/PRODUCT_ID.jpg``."""


@dataclass(frozen=True)
class KeyPatterns:
    """Patterns of object keys: ``{product_id}`` matches an id without slashes, ``*`` anything; the first matching pattern counts.

    Raises `RequestInvalid` if a pattern lacks ``{product_id}``, or has it more than once.
    """

    patterns: Sequence[str] = DEFAULT_PATTERNS

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            if pattern.count(PLACE) != 1:
                raise RequestInvalid(f"a key pattern contains {PLACE} exactly once, and {pattern!r} does not")

    @cached_property
    def _expressions(self) -> list[re.Pattern[str]]:
        return [_expression(pattern) for pattern in self.patterns]

    def product_of_key(self, key: str) -> str | None:
        """The product id in an object's key; None if no pattern matches, and for folders."""
        fitting = (expression.fullmatch(key) for expression in self._expressions)
        return next((found["product"] for found in fitting if found and not key.endswith("/")), None)

    def product_of_url(self, url: str) -> str | None:
        """The product id in an ``s3://`` address; None if no pattern matches its key."""
        return self.product_of_key(url.removeprefix("s3://").partition("/")[2])

    def __str__(self) -> str:
        return " or ".join(self.patterns)


DEFAULT_KEYS = KeyPatterns()
"""The default key patterns of the stack's bucket."""


def _expression(pattern: str) -> re.Pattern[str]:
    """In ``{product_id}.*``, the star matches neither dots nor slashes: ``a.b.jpg`` is the product ``a.b``."""
    before, _, after = pattern.partition(PLACE)
    rest = r"\.[^./]+" if after == ".*" else _glob(after, ".+")
    return re.compile(f"{_glob(before, '.*')}(?P<product>[^/]+?){rest}", re.DOTALL)


def _glob(pattern: str, anything: str) -> str:
    """A pattern with stars as a regular expression; only the last star may match more than the shortest text, which bounds backtracking."""
    first, *others = map(re.escape, pattern.split("*"))
    between = "".join(f"(?>{anything}?{part})" for part in others[:-1])
    return f"{first}{between}{anything}{others[-1]}" if others else first
