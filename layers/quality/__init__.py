"""How good the hits are, and how they become better: measured, and learned, on the shop's own pictures."""
