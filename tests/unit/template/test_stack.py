"""What CloudFormation checks of a template as a whole, whatever is chosen in it."""

from typing import Any

import pytest
from cfnlint.template import Template as Linted
from samtranslator.yaml_helper import yaml_parse

from tests.unit.sam_template import EVERYTHING, ROOT, transform

CHOICES: dict[str, dict[str, str]] = {
    "nothing": {},
    "everything": EVERYTHING,
    "an existing bucket": EVERYTHING | {"ExistingBucket": "shop", "KeyPatterns": "products/{product_id}/*"},
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES)
def test_no_resource_waits_for_itself(chosen: dict[str, str]) -> None:
    """A rollout waits for its alarms, the alias for the rollout, the stage for the alias: an alarm may not wait for the stage."""
    template = Linted("", transform(**chosen).document(), ["eu-central-1"])

    assert template.graph.get_cycles(template) == []


def test_the_variant_with_everything_has_every_resource(source: dict[str, Any]) -> None:
    assert set(source["Resources"]) <= set(transform(**EVERYTHING).resources)


def test_a_later_version_can_change_the_list_of_binary_media_types(source: dict[str, Any]) -> None:
    """CloudFormation changes it by paths in which ~1 stands for a slash; a plain slash works in the first deployment alone."""
    assert not any("/" in each for each in source["Resources"]["Api"]["Properties"]["BinaryMediaTypes"])


def test_conditions_compare_parameters_with_texts_for_that_is_what_they_are(source: dict[str, Any]) -> None:
    for name, condition in source["Conditions"].items():
        equals = condition.get("Fn::Equals") or condition["Fn::Not"][0]["Fn::Equals"]
        assert isinstance(equals[1], str), name


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    """The template as it is written."""
    found: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return found
