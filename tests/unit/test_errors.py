"""The errors' docstring is the table that the classes keep."""

import re
from collections.abc import Iterator

import pytest
from lookalike import errors
from lookalike.errors import LookalikeError

LISTED = dict(re.findall(r"── (\w+) +(\d{3})?", errors.__doc__ or ""))


def _all(kind: type[LookalikeError]) -> Iterator[type[LookalikeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _all(child)


def test_every_class_is_in_the_docstring_and_the_other_way_round() -> None:
    assert {kind.__name__ for kind in _all(LookalikeError)} == set(LISTED)


@pytest.mark.parametrize("kind", list(_all(LookalikeError)), ids=lambda kind: kind.__name__)
def test_a_class_ends_as_the_docstring_says(kind: type[LookalikeError]) -> None:
    if LISTED[kind.__name__]:
        assert kind.http_status == int(LISTED[kind.__name__])
    by_status = {500: "fail", 503: "retry"}
    if kind is not errors.RequestRefused:
        assert kind.ending == by_status.get(kind.http_status, "drop")


def test_codes_are_told_apart() -> None:
    leaves = [kind for kind in _all(LookalikeError) if LISTED[kind.__name__]]

    assert len({kind.code for kind in leaves}) == len(leaves)
