"""`template.yaml` as CloudFormation gets it: transformed by SAM's own translator, without network; ``python -m`` prints it as JSON, with
``everything`` behind it as it is with all that can be chosen."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
ELASTICSEARCH_URL = "https://elasticsearch.example:9243"
NO_VALUE = {"Ref": "AWS::NoValue"}
STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/A-Shop-s-Stack/51af3dc0-da77-11e4-872e-1234567b0123"

_SECRET, _ACCOUNT = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:elasticsearch-AbCdEf", "123456789012"
EVERYTHING = {
    **dict.fromkeys(("ElasticsearchSecretArn", "SearchSecretArn", "WorkersSecretArn", "SourceSecretArn", "ImageHeadersSecretArn"), _SECRET),
    "SourceUrl": "https://other.example:9243",
    "SourceBucket": "shop-pictures",
    "KmsKeyArns": f"arn:aws:kms:eu-central-1:{_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "BedrockModelArns": "arn:aws:bedrock:eu-central-1::foundation-model/amazon.titan-embed-image-v1",
    "VpcSubnetIds": "subnet-0a1b2c3d,subnet-0a1b2c3e",
    "VpcSecurityGroupIds": "sg-0a1b2c3d",
    "PermissionsBoundaryArn": f"arn:aws:iam::{_ACCOUNT}:policy/boundary",
    "ScheduledBackfill": '{"action": "list"}',
    "SearchRollout": "Canary10Percent5Minutes",
    "SearchProvisionedConcurrency": "2",
    "AccessLog": "on-with-role",
    "WafWebAclArn": f"arn:aws:wafv2:eu-central-1:{_ACCOUNT}:regional/webacl/shop/1",
    "AlarmTopicArn": f"arn:aws:sns:eu-central-1:{_ACCOUNT}:ops",
}
"""Parameters with which each resource and property that has a condition is there, but for an existing bucket's."""

Resource = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """The transformed template with its parameters filled in and its conditions decided."""

    resources: Mapping[str, Resource]
    outputs: Mapping[str, Any]

    def properties_of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of each resource of this type, by logical id."""
        return {name: resource["Properties"] for name, resource in self.resources.items() if resource["Type"] == f"AWS::{kind}"}

    def document(self) -> dict[str, Any]:
        """The template that CloudFormation would read if nothing were left to choose."""
        kept = {name: {key: part for key, part in each.items() if key != "Condition"} for name, each in self.resources.items()}
        return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": kept, "Outputs": self.outputs}

    def only(self, kind: str) -> dict[str, Any]:
        """The properties of the one resource of this type."""
        [properties] = self.properties_of(kind).values()
        return properties


def transform(**given: str) -> Template:
    """Runs SAM's translator; parameters that are not given have their defaults.

    Raises:
        AssertionError: a rule of the template refuses the parameters.
    """
    parameters = {"ElasticsearchUrl": ELASTICSEARCH_URL, **given}
    whole = translate(yaml_parse((ROOT / "template.yaml").read_text()), parameters)

    values = {name: _typed(declared, parameters.get(name, declared.get("Default"))) for name, declared in whole["Parameters"].items()}
    values["AWS::StackId"] = STACK_ID
    for name, rule in whole["Rules"].items():
        assert not _decide(rule["RuleCondition"], values) or all(_decide(each["Assert"], values) for each in rule["Assertions"]), name
    conditions = {name: _decide(condition, values) for name, condition in whole["Conditions"].items()}
    resources = {name: each for name, each in whole["Resources"].items() if conditions.get(each.get("Condition"), True)}
    return Template(_fill(resources, values, conditions), _fill(whole["Outputs"], values, conditions))


def translate(source: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """SAM's translation of a template, with an image in place of the one that `sam package` pushes.

    Raises:
        InvalidDocumentException: SAM refuses the template.
    """
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["ImageUri"] = "lookalike:latest"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="eu-central-1"))
    translated: dict[str, Any] = translator.translate(source, dict(parameters))
    return translated


def _typed(declared: Mapping[str, Any], value: Any) -> Any:
    """A parameter's value as CloudFormation reads it."""
    if declared["Type"] == "CommaDelimitedList":
        return str(value).split(",")
    return int(value) if declared["Type"] == "Number" else value


def _decide(condition: Any, values: Mapping[str, Any]) -> bool:
    """Evaluates what the template's conditions and rules are made of: Not, Equals, Contains, Join and Ref."""
    match condition:
        case {"Fn::Not": [inner]}:
            return not _decide(inner, values)
        case {"Fn::Contains": [{"Ref": name}, wanted]}:
            return wanted in values[name]
        case {"Fn::Equals": [{"Ref": name}, expected]}:
            return str(values[name]) == str(expected)
        case {"Fn::Equals": [{"Fn::Join": [separator, {"Ref": name}]}, expected]}:
            return bool(str(separator).join(values[name]) == expected)
    raise NotImplementedError(condition)


def _fill(value: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    """Replaces parameters by their values and each Fn::If by its branch; what has no value then is left out."""
    match value:
        case {"Ref": name} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)}:
            return _substituted(text, values)
        case {"Fn::If": [name, if_true, if_false]}:
            return _fill(if_true if conditions[name] else if_false, values, conditions)
        case dict():
            return _evaluated({key: filled for key, item in value.items() if (filled := _fill(item, values, conditions)) != NO_VALUE})
        case list():
            return [filled for item in value if (filled := _fill(item, values, conditions)) != NO_VALUE]
    return value


def _evaluated(value: dict[str, Any]) -> Any:
    """A function of CloudFormation whose arguments are known; all else stays as it is."""
    match value:
        case {"Fn::Sub": [str(text), dict(names)]} if all(isinstance(each, str) for each in names.values()):
            return _substituted(text, names)
        case {"Fn::Join": [str(separator), parts]} if all(isinstance(each, str) for each in parts):
            return separator.join(parts)
        case {"Fn::Split": [str(separator), str(text)]}:
            return text.split(separator)
        case {"Fn::Select": [int(index), list(items)]}:
            return items[index]
    return value


def _substituted(text: str, values: Mapping[str, Any]) -> Any:
    filled = re.sub(r"\$\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), text)
    return {"Fn::Sub": filled} if "${" in filled else filled


def target(reference: Any) -> str:
    """The logical id that a Ref, a GetAtt or a Sub points to."""
    if "Ref" in reference:
        return str(reference["Ref"])
    if "Fn::GetAtt" in reference:
        return str(reference["Fn::GetAtt"][0])
    return str(reference["Fn::Sub"]).removeprefix("${").partition(".")[0]


BUCKET_NAME = "lookalike-51af3dc0-da77-11e4-872e-1234567b0123"
"""Of a new bucket in the stack with the id `STACK_ID`."""


def bucket_arn(name: str = BUCKET_NAME, below: str = "") -> dict[str, str]:
    """How the filled template writes a bucket's ARN, or that of the objects ``below`` it."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}{below}"}


def many(value: Any) -> list[Any]:
    """CloudFormation takes one item where it takes a list."""
    return value if isinstance(value, list) else [value]


def statements(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy's document."""
    yield from many(policy["PolicyDocument"]["Statement"])


if __name__ == "__main__":
    print(json.dumps(transform(**(EVERYTHING if "everything" in sys.argv else {})).document(), indent=2))
