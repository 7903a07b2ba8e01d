"""Answers of commands, as large as Lambda lets a function answer."""

import json
from collections.abc import Callable
from typing import Any

MAX_BYTES = 5_000_000
"""Of an answer; Lambda takes 6 MB, and calls a function with a larger one failed."""

MAX_BODY = 5_000
"""Characters of a dead letter's body that are shown; the whole may be a MB."""


def page(ask: Callable[[int], dict[str, Any]], size: int) -> dict[str, Any]:
    """The answer to ``ask`` with as many items of ``size`` as fit, one at least: items with long addresses are fewer."""
    answer = ask(size)
    while size > 1 and len(json.dumps(answer)) > MAX_BYTES:
        size //= 2
        answer = ask(size)
    return answer


def dead_letters(listed: dict[str, Any]) -> dict[str, Any]:
    """The list of dead letters with the beginnings of their bodies."""
    return {"dead_letters": [letter | {"body": letter["body"][:MAX_BODY]} for letter in listed["dead_letters"]]}
