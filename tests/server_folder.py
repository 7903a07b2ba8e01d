"""A folder for a test's servers."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server_folder(purpose: str) -> Iterator[Path]:
    """A temporary folder that is gone afterwards; where root runs the tests, Elasticsearch, another user then, may enter it."""
    folder = Path(tempfile.mkdtemp(prefix=f"lookalike-{purpose}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
