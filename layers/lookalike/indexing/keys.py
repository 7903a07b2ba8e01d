"""Whose picture an object of the bucket is."""

import re

_KEY = re.compile(r"images/(?P<product>[^/]+?)(?:/.+|\.[^./]+)")


def product_of_key(key: str) -> str | None:
    """The product id in an object's key, ``images/PRODUCT_ID/NAME.jpg`` or ``images/PRODUCT_ID.jpg``; None for other keys."""
    match = _KEY.fullmatch(key)
    return match["product"] if match else None
