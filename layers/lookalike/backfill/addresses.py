"""Picture URLs as shops store them: relative, several in one text, or as a template of other fields."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice, product
from urllib.parse import quote, urljoin

from lookalike.backfill.model import FieldNames
from lookalike.indexing.messages import MAX_IMAGE_URLS

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

_WITHOUT_BASE = "https:"
"""The base for ``//cdn.example/a.jpg`` if none is given."""


@lru_cache
def placeholders(template: str) -> Sequence[str]:
    """The field names in a template such as ``https://cdn.example/{sku}.jpg``; none if it is itself a field name."""
    return _PLACEHOLDER.findall(template)


def read(fields: FieldNames, values: Callable[[str], Iterable[object]]) -> tuple[str, ...]:
    """The URLs of a product's pictures, without duplicates, resolved against ``base_url``.

    Args:
        fields: which field or template has them, and in which form.
        values: returns the values of a document at a dotted path.
    """
    if names := placeholders(fields.image_urls):
        written = list(_filled(fields.image_urls, names, values))
    else:
        written = [text for value in values(fields.image_urls) if isinstance(value, str) for text in _split(value, fields.separator)]
    return tuple(dict.fromkeys(_absolute(text, fields.base_url) for text in written if text))


def is_absolute(url: str) -> bool:
    """Whether a URL has a scheme."""
    return bool(_SCHEME.match(url))


def _filled(template: str, names: Sequence[str], values: Callable[[str], Iterable[object]]) -> Iterator[str]:
    """The template filled with each combination of its fields' values, which are percent-encoded except slashes.

    Nothing if a field has no value; at most one URL more than a product may have. A value at the beginning of the template is not encoded.
    """
    once = list(dict.fromkeys(names))
    found = [[_written(value) for value in values(name) if isinstance(value, str | int | float) and _written(value)] for name in once]
    for chosen in islice(product(*found), MAX_IMAGE_URLS + 1):
        value_of = dict(zip(once, chosen, strict=True))
        yield _PLACEHOLDER.sub(partial(_part, value_of), template)


def _part(value_of: Mapping[str, str], place: re.Match[str]) -> str:
    value = value_of[place[1]]
    return quote(value, safe="/") if place.start() else value


def _written(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _split(text: str, separator: str | None) -> list[str]:
    """Splits a text into URLs. A part that does not begin a URL belongs to the absolute URL before it, which contains the separator."""
    parts: list[str] = []
    for part in text.split(separator) if separator else [text]:
        if parts and separator and _goes_on(parts[-1].strip(), part.strip()):
            parts[-1] += separator + part
        else:
            parts.append(part)
    return [part.strip() for part in parts]


def _goes_on(address: str, part: str) -> bool:
    """Whether a part continues the URL before it: the data of a data: URL, or text that has no scheme and is no absolute path."""
    if address[:5].lower() == "data:" and "," not in address:
        return True
    return bool(part) and is_absolute(address) and not is_absolute(part) and not part.startswith("/")


def _absolute(url: str, base: str | None) -> str:
    """The URL resolved against the base; without a base a relative one is unchanged, and refused when it is fetched."""
    if is_absolute(url) or (base is None and not url.startswith("//")):
        return url
    try:
        return urljoin(base or _WITHOUT_BASE, url)
    except ValueError:
        return url
