"""Headers that the servers of some hosts want: a browser's User-Agent, a Referer, an Authorization."""

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import TypeAlias

from lookalike.errors import Misconfigured

HostHeaders: TypeAlias = Mapping[str, Mapping[str, str]]
"""Headers by host: ``cdn.example``, ``cdn.example:8443`` or ``*.shop.example``."""

HARMLESS = frozenset({"user-agent", "referer", "accept", "accept-language"})
"""Headers that may be sent for a stranger, whose search must not open what is behind a login."""


def parse(text: str) -> HostHeaders:
    """Reads ``{"cdn.example": {"User-Agent": "…", "Authorization": "Bearer …"}}``. Raises `Misconfigured` if it is of another shape."""
    try:
        given = json.loads(text)
        return {host.lower(): {name: _latin(value) for name, value in headers.items()} for host, headers in given.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise Misconfigured(
            'the secret in LOOKALIKE_IMAGE_HEADERS_SECRET_ARN must be JSON: {"HOST": {"Authorization": "…", "User-Agent": "…"}, …}'
        ) from error


def harmless(given: HostHeaders) -> HostHeaders:
    """The headers without those that are a secret."""
    return {host: {name: value for name, value in headers.items() if name.lower() in HARMLESS} for host, headers in given.items()}


def of(given: HostHeaders, host: str) -> dict[str, str]:
    """The headers for a host, given as ``host`` or ``host:port``; an exact name wins over a pattern."""
    bare = host.rpartition(":")[0] or host
    fitting = [name for name in given if fnmatch(host, name) or fnmatch(bare, name)]
    return {header: value for name in sorted(fitting, key=lambda name: ("*" not in name, name)) for header, value in given[name].items()}


def _latin(value: str) -> str:
    """A header's value as HTTP carries it."""
    value.encode("latin-1")
    if any(ord(sign) < 32 for sign in value):
        raise ValueError("a header has one line")
    return value
