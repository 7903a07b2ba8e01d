"""The gallery as one document: style and scripts are put inside, for API Gateway has no route for a second file.

Opened as files, ``index.html`` loads them from beside it; what is served is the same, with a policy that lets only these run.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
CONTENT_TYPE = "text/html; charset=utf-8"

_STYLE = re.compile(r'<link rel="stylesheet" href="([\w.-]+)">')
_SCRIPT = re.compile(r'<script src="([\w.-]+)"></script>')


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser is sent."""

    html: str
    headers: Mapping[str, str]


def assemble(folder: Path = FOLDER) -> Page:
    """Puts the style sheets and scripts that ``index.html`` names into it, in their order."""
    styles: list[str] = []
    scripts: list[str] = []
    html = (folder / "index.html").read_text(encoding="utf-8")
    html = _STYLE.sub(lambda link: f"<style>{_kept(folder / link[1], styles)}</style>", html)
    html = _SCRIPT.sub(lambda link: f"<script>{_kept(folder / link[1], scripts)}</script>", html)
    headers = {
        "Content-Security-Policy": _policy(styles, scripts),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return Page(html, headers)


def _kept(path: Path, texts: list[str]) -> str:
    texts.append(path.read_text(encoding="utf-8"))
    return texts[-1]


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Nothing but what is on the page runs; pictures may come from anywhere, for the index decides where they are."""
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
    """Sources of a policy: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
