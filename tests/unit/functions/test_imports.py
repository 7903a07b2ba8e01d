"""A function starts with what it uses: its entry's imports, each in a fresh process."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

NOWHERE = {"infra", "moto", "nncf", "tensorflow", "tests", "tokenizers"} | {
    "lookalike.remote",
    "lookalike.adapters.bedrock",
    "lookalike.adapters.elasticsearch.inference",
}
EMBEDS = {"PIL", "lookalike.adapters.http", "lookalike.adapters.openvino.embedder", "lookalike.pictures.decoding", "openvino"}
INDEXES = {"lookalike.indexing.indexer", "lookalike.indexing.products_queue", "lookalike.indexing.uploads"}
READS = {"lookalike.search.browse", "lookalike.search.query_vectors", "lookalike.search.ranking", "lookalike.search.search"}
BACKFILLS = {
    "lookalike.adapters.elasticsearch.source",
    "lookalike.backfill.fan_out",
    "lookalike.backfill.progress",
    "lookalike.wiring.backfill",
}

USED = {"backfill": BACKFILLS, "index_products": EMBEDS | INDEXES, "on_upload": EMBEDS | INDEXES, "search": EMBEDS | READS}
NOT_USED = {
    "backfill": EMBEDS | INDEXES | READS,
    "index_products": BACKFILLS | READS,
    "on_upload": BACKFILLS | READS,
    "search": INDEXES | {"lookalike.adapters.sqs", "lookalike.backfill", "lookalike.wiring.backfill"},
}


def _imported_by(function: str) -> set[str]:
    """The modules that a fresh process has after the import statements of the function's entry; nothing is built."""
    entry = ast.parse(Path(f"functions/{function}/entry.py").read_text())
    imports = [ast.unparse(node) for node in entry.body if isinstance(node, ast.Import | ast.ImportFrom)]
    script = "; ".join([*imports, "import sys", "print(*sys.modules)"])
    return set(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("function", USED)
def test_an_entry_imports_what_its_function_uses_and_nothing_else(function: str) -> None:
    imported = _imported_by(function)

    assert imported >= USED[function]
    assert not imported & (NOT_USED[function] | NOWHERE)
