"""Assembles the gallery as a single HTML document, because API Gateway has no routes for further files.

Opened from its folder, ``index.html`` loads its style sheets and scripts from there. The served document contains them, with a
Content-Security-Policy that allows only these.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lookalike.pictures.formats import MEDIA_TYPES

FOLDER = Path(__file__).parent
CONTENT_TYPE = "text/html; charset=utf-8"

_ACCEPTED_TYPES = 'data-accepted-types="{}"'
_HAS_DETECTION = 'data-has-detection="{}"'
_STYLE = re.compile(r'<link rel="stylesheet" href="([\w.-]+)">')
_SCRIPT = re.compile(r'<script src="([\w.-]+)"></script>')


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML document, and the HTTP headers to serve it with."""

    html: str
    headers: Mapping[str, str]


def assemble(folder: Path = FOLDER, *, has_detection: bool = False) -> Page:
    """Inserts style sheets, scripts, accepted media types and the service's capabilities into ``index.html``.

    Args:
        folder: the folder of the page.
        has_detection: whether the service has a network for ``/detect``.
    """
    styles: list[str] = []
    scripts: list[str] = []
    html = (folder / "index.html").read_text(encoding="utf-8")
    html = html.replace(_ACCEPTED_TYPES.format(""), _ACCEPTED_TYPES.format(" ".join(MEDIA_TYPES)))
    html = html.replace(_HAS_DETECTION.format("false"), _HAS_DETECTION.format(str(has_detection).lower()))
    html = _STYLE.sub(lambda link: f"<style>{_read(folder / link[1], styles)}</style>", html)
    html = _SCRIPT.sub(lambda link: f"<script>{_read(folder / link[1], scripts)}</script>", html)
    headers = {
        "Content-Security-Policy": _policy(styles, scripts),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return Page(html, headers)


def _read(path: Path, texts: list[str]) -> str:
    texts.append(path.read_text(encoding="utf-8"))
    return texts[-1]


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """The Content-Security-Policy: only these styles and scripts; pictures from anywhere, because shops keep them anywhere."""
    directives = {
        "default-src": "'none'",
        "script-src": _hashes(scripts),
        "style-src": _hashes(styles),
        "img-src": "https: http: data: blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _hashes(texts: Iterable[str]) -> str:
    """The hashes by which the policy allows scripts or styles: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
