"""What the image runs."""

from lookalike.wiring import Wiring

from functions.index_products.app import create

handler = create(Wiring().products)
