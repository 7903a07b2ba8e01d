"""A function whose process ends in its init phase."""

import os

os._exit(3)
