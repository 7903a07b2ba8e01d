"""Hostile and broken files: refused or decoded by the package's own rules, within bounds. The rest of them: ``make soak``."""

from tests.bad_pictures import BOMBS
from tests.benchmarks.bad_pictures import MAX_MEMORY_MB, another_process, mutations, tried

TRIED = (  # what is made in short time
    "600 scans",
    "declared 65,535",
    "declared 15,800",
    "progressive, declared 8,100",
    "millions of segments",
    "PNG of noise",
    "PNG of averages",
    "interlaced PNG",
    "PNG of one bit",
    "empty chunks",
    "GIF declared 8,000",
    "GIF of blank frames",
    "GIF of large blank frames",
    "GIF whose first frame is huge",
    "GIF whose second frame is huge",
    "GIF whose second frame is huge and goes",
    "BMP of runs",
    "TIFF of many scans",
    "TIFF of tags",
)
MUTATIONS = 1000


def test_files_made_to_take_time_and_memory_are_bounded() -> None:
    with another_process() as process:
        trials = [process.submit(tried, name, BOMBS[name]()).result() for name in TRIED]

    assert [trial for trial in trials if not trial.is_good] == []


def test_a_gif_that_declares_8_000_pixels_a_side_takes_no_500_mb() -> None:
    with another_process() as process:
        trial = process.submit(tried, "GIF", BOMBS["GIF declared 8,000"]()).result()

    assert trial.refusal is None
    assert trial.peak_mb < MAX_MEMORY_MB / 2


def test_randomly_changed_files_end_in_a_picture_or_in_the_package_s_own_error() -> None:
    with another_process() as process:
        trials = process.submit(mutations, 0, MUTATIONS).result()

    assert [trial for trial in trials if not trial.is_good] == []
