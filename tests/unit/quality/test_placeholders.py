"""The pictures that products share, as text."""

from io import StringIO
from typing import Any

from rich.console import Console

from layers.quality import placeholders

SHARED = {"perceptual_hash": "a" * 64, "products": 1234, "files": 2, "image_url": "http://a/none.jpg", "is_left_out": True}


def _shown(*pictures: dict[str, Any]) -> str:
    file = StringIO()
    placeholders.show({"index": "lookalike-1", "pictures": list(pictures)}, Console(file=file, width=50))
    return file.getvalue()


def test_of_each_picture_it_has_on_a_line_of_its_own_what_the_parameter_takes_and_an_example() -> None:
    shown = _shown(SHARED, SHARED | {"perceptual_hash": "b" * 64, "products": 7, "is_left_out": False})

    for text in ("1,234", "a" * 64, "b" * 64, "http://a/none.jpg", "PlaceholderHashes"):
        assert text in shown
    assert {"a" * 64, "b" * 64} <= set(shown.splitlines())
    assert shown.count("left out already") == 1


def test_where_nothing_is_shared_it_says_so() -> None:
    assert _shown().strip() == "No two products in lookalike-1 share a picture."
