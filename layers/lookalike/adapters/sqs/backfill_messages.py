"""Encodes and decodes the backfill queue's messages as JSON."""

import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, MergeWhenFinished, ReadSlice
from lookalike.validation import validated

_KINDS: dict[str, type[BackfillMessage]] = {
    "slice": ReadSlice,
    "continue_retry": ContinueRetry,
    "continue_prune": ContinuePrune,
    "merge": MergeWhenFinished,
}
_ACTIONS = {kind: action for action, kind in _KINDS.items()}


def encode(message: BackfillMessage) -> str:
    """The body of an SQS message."""
    return json.dumps({"action": _ACTIONS[type(message)], **asdict(message)})


def decode(given: Any) -> BackfillMessage | None:
    """The message of a decoded JSON body; None for other actions. Raises `RequestInvalid`, naming the invalid field."""
    action = given.get("action") if isinstance(given, dict) else None
    if not isinstance(action, str) or action not in _KINDS:
        return None
    message: BackfillMessage = validated(TypeAdapter(_KINDS[action]), {name: given[name] for name in given if name != "action"})
    return message
