"""House rules of the parameters, of what may call the functions, and of `samconfig.toml`."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, get_args
from unittest.mock import MagicMock

import pytest
import yaml
from lookalike.domain import IndexType
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samcli.lib.deploy.deployer import Deployer
from samcli.lib.deploy.utils import FailureMode
from samtranslator.yaml_helper import yaml_parse

from functions.backfill import commands
from tests.unit.sam_template import ROOT, Template, target, transform

SOURCE = (ROOT / "template.yaml").read_text()
PAGES = ("infra/parameters.md", "functions/backfill/README.md")


@pytest.fixture(scope="module")
def parameters() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml_parse(SOURCE)["Parameters"]
    return found


@pytest.fixture(scope="module")
def samconfig() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_every_parameter_is_described_and_used(parameters: dict[str, dict[str, Any]]) -> None:
    for name, parameter in parameters.items():
        assert parameter["Description"].endswith("."), name
        assert f"!Ref {name}" in SOURCE or f"${{{name}}}" in SOURCE, name


def test_every_parameter_is_in_one_group_of_the_console_s_form(parameters: dict[str, dict[str, Any]]) -> None:
    groups = yaml_parse(SOURCE)["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(parameters)
    assert all(group["Label"]["default"] for group in groups)


def test_only_the_address_of_elasticsearch_has_to_be_given(parameters: dict[str, dict[str, Any]]) -> None:
    assert {name for name, parameter in parameters.items() if "Default" not in parameter} == {"ElasticsearchUrl"}


def test_every_default_is_a_value_that_its_parameter_allows(parameters: dict[str, dict[str, Any]]) -> None:
    for name, parameter in parameters.items():
        if "AllowedValues" in parameter:
            assert parameter["Default"] in parameter["AllowedValues"], name
        if "MaxValue" in parameter:
            assert parameter["MinValue"] <= parameter["Default"] <= parameter["MaxValue"], name


@pytest.mark.parametrize(("arn", "is_taken"), [("shop-AbCdEf", True), ("shop-search", True), ("shop", False), ("shop-workers", False)])
def test_a_secret_is_named_by_its_whole_arn(parameters: dict[str, dict[str, Any]], arn: str, is_taken: bool) -> None:
    """With a part of it roles would have rights to nothing; a name that looks like a whole ARN cannot be told from one."""
    secrets = [parameter for name, parameter in parameters.items() if name.endswith("SecretArn")]
    assert len(secrets) == 5
    for parameter in secrets:
        whole = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{arn}"
        assert bool(re.fullmatch(parameter["AllowedPattern"].removeprefix("^").removesuffix("$"), whole)) is is_taken


def test_a_link_to_a_picture_lives_no_longer_than_the_credentials_that_sign_it(parameters: dict[str, dict[str, Any]]) -> None:
    """They are a role's, and last for hours."""
    assert parameters["PresignedUrlExpiry"]["MaxValue"] <= 3600


def test_an_index_type_is_one_that_the_settings_take(parameters: dict[str, dict[str, Any]]) -> None:
    assert tuple(parameters["IndexType"]["AllowedValues"]) == get_args(IndexType)


@pytest.mark.parametrize("command", ["build", "deploy"])
def test_build_and_deploy_read_the_same_parameters(
    command: str, parameters: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    given = read_by_sam(SamConfig(ROOT).get_all([command], "parameters", "default")["parameter_overrides"])
    assert {"ElasticsearchUrl", "ElasticsearchSecretArn", "Model"} <= set(given) <= set(parameters)


@pytest.mark.parametrize(
    ("page", "yaml_text"),
    [(page, text) for page in PAGES for text in re.findall(r"```yaml\n(.+?)```", (ROOT / page).read_text(), re.DOTALL)],
)
def test_the_pages_parameters_are_what_sam_s_own_parser_reads(
    page: str, yaml_text: str, tmp_path: Path, parameters: dict[str, dict[str, Any]]
) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(yaml_text)
    check_given(read_by_sam(f"file://{file}"), parameters)


@pytest.mark.parametrize("line", re.findall(r"^sam deploy .+$", (ROOT / "infra" / "parameters.md").read_text(), re.MULTILINE))
def test_a_command_line_is_what_sam_s_own_parser_reads(
    line: str, parameters: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(line)
    given = read_by_sam(words[words.index("--parameter-overrides") + 1 :])
    assert set(given) > {"ElasticsearchUrl", "ScheduledBackfill"}
    check_given(given, parameters)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, each in yaml_parse(SOURCE)["Parameters"].items() for value in each.get("AllowedValues", ())]
)
def test_a_choice_may_be_written_without_quotes(name: str, value: str | int, tmp_path: Path, parameters: dict[str, dict[str, Any]]) -> None:
    """SAM's parser makes False of a plain false, which to YAML is no text."""
    file = tmp_path / "parameters.yaml"
    file.write_text(f"{name}: {value}")

    assert read_by_sam(f"file://{file}")[name] in map(str, parameters[name]["AllowedValues"])


def read_by_sam(values: Any) -> dict[str, str]:
    """The parameters that `sam build` and `sam deploy` make of what they are given."""
    read: dict[str, str] = CfnParameterOverridesType().convert(values, None, None)
    return read


def check_given(given: dict[str, str], parameters: dict[str, dict[str, Any]]) -> None:
    """Values fit their parameters; a command can be carried out, and a certificate has its lines."""
    for name, value in given.items():
        assert re.fullmatch(parameters[name].get("AllowedPattern", ".*"), value, re.DOTALL), (name, value)
    if "ScheduledBackfill" in given:
        assert isinstance(commands.read(json.loads(given["ScheduledBackfill"])), commands.Start)
    if "ElasticsearchCa" in given:
        lines = given["ElasticsearchCa"].splitlines()
        assert (lines[0], lines[-1]) == ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")


def test_each_exception_that_checkov_is_asked_to_make_has_its_reason() -> None:
    skipped = [line for line in (ROOT / ".checkov.yaml").read_text().splitlines() if "CKV" in line]
    assert skipped
    assert all(re.search(r"CKV_\w+ # \w+.{20,}", line) for line in skipped)


def test_only_our_api_may_call_search_and_nobody_else_any_function() -> None:
    template = transform()
    permissions = template.properties_of("Lambda::Permission").values()
    assert permissions
    for permission in permissions:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert _function(template, permission["FunctionName"]) == "Search"
        [text, names] = permission["SourceArn"]["Fn::Sub"]
        assert "${__ApiId__}" in text
        assert target(names["__ApiId__"]) == "Api"


def test_a_deployment_is_shown_before_it_is_made_and_may_make_roles(samconfig: dict[str, dict[str, dict[str, Any]]]) -> None:
    deploy = samconfig["deploy"]["parameters"]
    assert deploy["confirm_changeset"] is True
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["resolve_image_repos"] is True


@pytest.mark.parametrize(("state", "is_deleted"), [("ROLLBACK_COMPLETE", True), ("UPDATE_ROLLBACK_COMPLETE", False)])
def test_a_stack_that_could_not_be_made_is_deleted_so_that_a_second_try_is_possible_and_one_that_was_there_is_not(
    samconfig: dict[str, dict[str, dict[str, Any]]], state: str, is_deleted: bool
) -> None:
    assert FailureMode(samconfig["deploy"]["parameters"]["on_failure"]) is FailureMode.DELETE
    cloudformation = MagicMock()
    cloudformation.describe_stacks.return_value = {"Stacks": [{"StackStatus": state}]}

    Deployer(cloudformation).rollback_delete_stack("lookalike")  # what `sam deploy` does then

    assert cloudformation.delete_stack.called is is_deleted


@pytest.mark.parametrize("command", ["local_start_api", "local_start_lambda", "local_invoke"])
def test_sam_local_joins_the_network_of_the_compose_file_and_calls_its_elasticsearch(
    samconfig: dict[str, dict[str, dict[str, Any]]], compose: dict[str, Any], command: str
) -> None:
    given = samconfig[command]["parameters"]
    assert compose["networks"]["default"]["name"] == f"${{LOOKALIKE_NETWORK:-{given['docker_network']}}}"
    assert given["parameter_overrides"] == "ElasticsearchUrl=http://elasticsearch:9200"
    assert "elasticsearch" in compose["services"]
    assert given["skip_pull_image"] is True


def _function(template: Template, reference: Any) -> str:
    """The function that an alias or a name stands for."""
    name = target(reference)
    alias = template.properties_of("Lambda::Alias").get(name)
    return target(alias["FunctionName"]) if alias else name
