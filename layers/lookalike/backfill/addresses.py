"""Addresses of pictures as shops store them: relative, several in one text, or as a template of other fields."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from urllib.parse import quote, urljoin

from lookalike.backfill.model import FieldNames

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

_WITHOUT_BASE = "https:"
"""What ``//cdn.example/a.jpg`` is relative to where no base is given."""


def placeholders(template: str) -> Sequence[str]:
    """The fields that a template such as ``https://cdn.example/{sku}.jpg`` is made of; none if it is the name of a field."""
    return _PLACEHOLDER.findall(template)


def read(fields: FieldNames, values: Callable[[str], Iterable[object]]) -> tuple[str, ...]:
    """The addresses of a product's pictures, each once.

    Args:
        fields: where they are, and how they are written.
        values: the values of a document at a dotted path.
    """
    if names := placeholders(fields.image_urls):
        written = list(_filled(fields.image_urls, names, values))
    else:
        written = [text for value in values(fields.image_urls) if isinstance(value, str) for text in _split(value, fields.separator)]
    return tuple(dict.fromkeys(_absolute(text, fields.base_url) for text in written if text))


def is_absolute(url: str) -> bool:
    """Whether an address says by itself where the picture is."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*:", url, re.IGNORECASE))


def _filled(template: str, names: Sequence[str], values: Callable[[str], Iterable[object]]) -> Iterator[str]:
    """The template with each value of its fields, percent-encoded but for slashes; nothing if a field has none."""
    found = [[str(value) for value in values(name) if isinstance(value, str | int | float) and str(value)] for name in names]
    for chosen in product(*found):
        parts = iter(quote(value.strip(), safe="/") for value in chosen)
        yield _PLACEHOLDER.sub(lambda _: next(parts), template)  # noqa: B023 - used before the next round


def _split(text: str, separator: str | None) -> list[str]:
    """The addresses in a text; that of a data: URL has a comma of its own."""
    stripped = text.strip()
    if separator is None or stripped[:5].lower() == "data:":
        return [stripped]
    return [part.strip() for part in stripped.split(separator)]


def _absolute(url: str, base: str | None) -> str:
    """The address, relative to the base; one without a base stays as it is, and is refused when it is fetched."""
    if is_absolute(url) or (base is None and not url.startswith("//")):
        return url
    try:
        return urljoin(base or _WITHOUT_BASE, url)
    except ValueError:
        return url
