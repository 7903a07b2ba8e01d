"""What the measured figures come to in dollars, by the dated prices of `infra.costs`; Elasticsearch is not in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from infra.costs import GB, PRICES, PRICES_AS_OF, busy, extra, idle
from tests.benchmarks.rows import Row

PLACE = "batch 32, 2 cores, AVX2"
"""What stands for a function of Lambda with its 3,008 MB."""

DOLLARS = f"US$ of {PRICES_AS_OF}"


def rows(measured: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """A million pictures, a million searches, and a month of nothing; what was not measured has no row."""
    figures = {row.what: row.measured for part in measured.values() for row in part}
    keras_ms = figures.get(f"Keras predict: {PLACE}")
    for kind in ("f32", "int8"):
        ms = figures.get(f"{kind}, {PLACE}")
        if ms and keras_ms:
            note = f"{DOLLARS}, {GB:.1f} GB, {PLACE}, embedding alone"
            yield Row(f"a million pictures, {kind}", 1000 * _computed(ms), "US$", "by Keras", 1000 * _computed(keras_ms), note=note)
    assumed = 10 * _told(busy(), "100,000 searches")
    for what, ms in figures.items():
        if what.startswith("a picture's bytes to the answer"):
            dollars = 1e6 * (PRICES["API Gateway, request"] + PRICES["Lambda, request"]) + 1000 * _computed(ms)
            note = f"{DOLLARS}, {ms:.0f} ms each with this CPU's own instruction set, no download"
            yield Row("a million searches", dollars, "US$", "as make costs assumes", assumed, note=note)
    chosen = _told(extra(), "SearchProvisionedConcurrency")
    yield Row(
        "a month of nothing", sum(float(row[1]) for row in idle()), "US$", "one function kept warm", chosen, note=f"{DOLLARS}, computed"
    )


def _computed(ms: float) -> float:
    """Dollars of a thousand times so many milliseconds of one function."""
    return ms * GB * PRICES["Lambda, GB-second"]


def _told(table: Iterable[tuple[str, str, str]], what: str) -> float:
    return next(float(dollars.replace(",", "")) for name, dollars, _ in table if name.startswith(what))
