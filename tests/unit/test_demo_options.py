"""What the environment asks of ``make demo``."""

from pathlib import Path

import pytest

from infra.demo.__main__ import Options
from infra.local.child_process import Failure


def test_empty_variables_are_as_good_as_none() -> None:
    assert Options.read({"IMAGES": "", "PORT": "", "ONCE": ""}) == Options()


def test_each_option_is_in_the_variable_of_its_name() -> None:
    options = Options.read({"IMAGES": "my pictures", "PORT": "8900", "ONCE": "1"})

    assert (options.images, options.port, options.once) == (Path("my pictures"), 8900, True)


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "0"), ("PORT", "99999"), ("ONCE", "perhaps"), ("RANDOM_WEIGHTS", "x")]
)
def test_a_value_that_cannot_be_read_is_told_in_one_line_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(Failure, match=f"^{name}={value}: Input should be .*$"):
        Options.read({name: value})
