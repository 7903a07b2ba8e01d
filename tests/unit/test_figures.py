"""The limits of `tests/figures.py` on how long folders, modules and functions may be."""

import statistics

import pytest

from tests.figures import FOLDERS, MAX_FUNCTION_LINES, MAX_LINES, MAX_MEDIAN_LINES, MAX_MODULE_LINES, Figures, figures_of


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    return {folder: figures_of(folder) for folder in FOLDERS}


@pytest.mark.parametrize("folder", MAX_LINES)
def test_a_folder_is_no_longer_than_its_limit(folder: str, figures: dict[str, Figures]) -> None:
    assert figures[folder].lines <= MAX_LINES[folder]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_is_longer_than_its_limit(folder: str, figures: dict[str, Figures]) -> None:
    assert [module for module in figures[folder].modules if module.lines > MAX_MODULE_LINES] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_function_is_longer_than_its_limit(folder: str, figures: dict[str, Figures]) -> None:
    assert [function for function in figures[folder].functions if function.lines > MAX_FUNCTION_LINES] == []


def test_the_median_function_is_no_longer_than_its_limit(figures: dict[str, Figures]) -> None:
    assert statistics.median(function.lines for each in figures.values() for function in each.functions) <= MAX_MEDIAN_LINES
