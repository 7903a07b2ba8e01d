"""House rules of the functions: what they run, what they are told, what they leave behind."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from lookalike.settings import PREFIX, Settings
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.yaml_helper import yaml_parse

from layers.models.networks import NETWORKS, model_id
from tests.unit.sam_template import BUCKET_NAME, ELASTICSEARCH_URL, NO_VALUE, ROOT, Template, target, transform, translate


@pytest.fixture(scope="module")
def template() -> Template:
    return transform()


def folder_of(function: dict[str, Any]) -> str:
    """The folder whose entry a function runs."""
    [command] = function["ImageConfig"]["Command"]
    package, folder, module, name = command.split(".")
    assert (package, module, name) == ("functions", "entry", "handler")
    return str(folder)


def test_every_folder_of_functions_is_one_function(template: Template) -> None:
    declared = [folder_of(function) for function in template.properties_of("Lambda::Function").values()]
    folders = [folder.parent.name for folder in (ROOT / "functions").glob("*/__init__.py")]
    assert sorted(declared) == sorted(folders)


def test_a_function_is_named_after_the_stack_and_its_folder(template: Template) -> None:
    for function in template.properties_of("Lambda::Function").values():
        assert function["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-" + folder_of(function).replace("_", "-")}
        assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == folder_of(function)


def test_all_functions_share_one_image_so_that_it_is_built_once(template: Template) -> None:
    functions = [resource for resource in template.resources.values() if resource["Type"] == "AWS::Lambda::Function"]
    first = functions[0]["Metadata"]
    assert all(function["Metadata"] == first for function in functions)
    assert all(function["Properties"]["PackageType"] == "Image" for function in functions)
    assert (ROOT / first["DockerContext"] / first["Dockerfile"]).is_file()


def test_the_dockerfile_takes_every_build_argument_that_the_template_gives(template: Template) -> None:
    dockerfile = (ROOT / "layers" / "Dockerfile").read_text().splitlines()
    taken = {line.removeprefix("ARG ").partition("=")[0] for line in dockerfile if line.startswith("ARG ")}
    assert set(template.resources["Search"]["Metadata"]["DockerBuildArgs"]) <= taken


def test_every_setting_is_declared_for_every_function_and_no_other(template: Template) -> None:
    settings = {PREFIX + setting.name.upper() for setting in fields(Settings)}
    for name, function in template.properties_of("Lambda::Function").items():
        declared = {variable for variable in function["Environment"]["Variables"] if variable.startswith(PREFIX)}
        assert declared == settings, name


def test_what_the_parameters_default_to_is_what_the_settings_default_to(template: Template) -> None:
    variables = template.properties_of("Lambda::Function")["Search"]["Environment"]["Variables"]
    given = {name: str(value) for name, value in variables.items() if not isinstance(value, dict)}
    assert Settings.load(given) == Settings(elasticsearch_url=ELASTICSEARCH_URL, bucket=BUCKET_NAME)


@pytest.mark.parametrize("long", ["ElasticsearchCa", "ImageCa", "PlaceholderHashes"])
def test_long_values_beside_addresses_and_secrets_fit_into_the_4_kb_that_lambda_has_for_all_variables(long: str) -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:lookalike-elasticsearch-AbCdEf"
    given = {f"{name}SecretArn": secret for name in ("Elasticsearch", "Search", "Workers", "Source", "ImageHeaders")}
    address = "https://a-shop-s-own-deployment.es.eu-central-1.aws.elastic-cloud.com:9243"
    longest = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"][long]["MaxLength"]
    value = "f" * longest if long == "PlaceholderHashes" else ("x" * 64 + "\n") * (longest // 65)
    template = transform(ElasticsearchUrl=address, SourceUrl=address, SourceBucket="s" * 63, **{long: value}, **given)
    stack = "s" * 49
    queue = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{stack}-products"

    for name, function in template.properties_of("Lambda::Function").items():
        variables = function["Environment"]["Variables"].items()
        values = {each: value if not isinstance(value, dict) else queue if "QUEUE" in each else stack for each, value in variables}
        assert len(json.dumps(values, separators=(",", ":"))) <= 4096, name


def test_settings_that_name_a_resource_refer_to_it(template: Template) -> None:
    variables = template.properties_of("Lambda::Function")["Search"]["Environment"]["Variables"]
    references = {
        name.removeprefix(PREFIX).lower(): target(value)
        for name, value in variables.items()
        if name.startswith(PREFIX) and isinstance(value, dict)
    }
    queues = {f"{name.lower()}_queue_url": f"{name}Queue" for name in ("Uploads", "Products", "Backfill")}
    assert references == {"alias": "AWS::StackName"} | queues


def test_what_two_stacks_on_one_elasticsearch_must_not_share_is_named_after_each(template: Template) -> None:
    for function in template.properties_of("Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert variables["LOOKALIKE_ALIAS"] == variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Ref": "AWS::StackName"}
    for queue in template.properties_of("SQS::Queue").values():
        assert queue["QueueName"]["Fn::Sub"].startswith("${AWS::StackName}-")
    assert transform(Alias="shop").properties_of("Lambda::Function")["Search"]["Environment"]["Variables"]["LOOKALIKE_ALIAS"] == "shop"


def test_the_image_has_the_saliency_network_where_it_is_asked_for() -> None:
    given = [
        transform(**each).resources["Search"]["Metadata"]["DockerBuildArgs"]["SALIENCY_MODEL"] for each in ({}, {"SaliencyModel": "u2netp"})
    ]

    assert given == ["", "u2netp"]


def test_made_up_weights_are_built_in_and_asked_for_by_the_id_that_the_export_gives_them() -> None:
    search = transform(Model="efficientnet_lite2", RandomWeights="7").resources["Search"]
    arguments = search["Metadata"]["DockerBuildArgs"]
    assert (arguments["MODEL"], arguments["RANDOM_WEIGHTS"], arguments["NEXT_MODEL"]) == ("efficientnet_lite2", "7", "")
    variables = search["Properties"]["Environment"]["Variables"]
    assert variables["LOOKALIKE_MODEL"] == model_id(NETWORKS["efficientnet_lite2"], random_weights=7)


def test_variables_of_powertools_and_boto3_are_declared_so_that_sam_local_passes_them(template: Template) -> None:
    for name, function in template.properties_of("Lambda::Function").items():
        assert {"POWERTOOLS_METRICS_NAMESPACE", "LOG_LEVEL", "AWS_ENDPOINT_URL"} <= set(function["Environment"]["Variables"]), name


def test_a_function_fits_a_new_account_and_its_caller_s_patience(template: Template) -> None:
    for name, function in template.properties_of("Lambda::Function").items():
        assert function["MemorySize"] <= 3008, name
        assert function["Timeout"] <= (29 if name == "Search" else 120), name
        assert "ReservedConcurrentExecutions" not in function, name


def test_functions_run_where_openvino_does_and_claim_no_traces(template: Template) -> None:
    for name, function in template.properties_of("Lambda::Function").items():
        assert "TracingConfig" not in function, name
        assert function["Architectures"] == ["x86_64"], name


def test_lambda_lets_the_functions_that_post_to_their_own_queue_go_on(template: Template) -> None:
    allowed = {name for name, function in template.properties_of("Lambda::Function").items() if function.get("RecursiveLoop") == "Allow"}
    assert allowed == {"Backfill", "IndexProducts"}


def test_a_changed_parameter_of_search_makes_a_new_version_of_it() -> None:
    """SAM's own hash has the image and the template, but not the values of parameters."""

    def version(template: Template) -> tuple[str, str]:
        [(name, properties)] = template.properties_of("Lambda::Version").items()
        assert target(properties["Description"]) == "SettingsVersion"  # CloudFormation replaces a version whose description changes
        return name, template.only("AppConfig::HostedConfigurationVersion")["Content"]

    source = yaml_parse((ROOT / "template.yaml").read_text())
    used = parameters_in({name: source["Globals"]["Function"][name] for name in ("VpcConfig", "Environment")})
    used |= parameters_in(source["Resources"]["Search"]["Properties"]) - {"SearchProvisionedConcurrency", "SearchRollout"}
    assert used <= parameters_in(source["Resources"]["SettingsVersion"])
    one, other = version(transform()), version(transform(ElasticsearchUrl="https://moved.example:9243"))
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_a_new_version_is_of_a_function_that_differs_from_the_last_one(template: Template) -> None:
    """Lambda publishes no version of an unchanged function, and CloudFormation fails then: not every changed parameter reaches search."""
    assert "${SettingsVersion}" in template.properties_of("Lambda::Function")["Search"]["Description"]["Fn::Sub"]


def test_a_version_that_was_rolled_back_is_not_in_the_way_of_the_same_version_s_second_try(template: Template) -> None:
    [version] = [each for each in template.resources.values() if each["Type"] == "AWS::Lambda::Version"]
    assert version["DeletionPolicy"] == "Delete"
    assert version.get("UpdateReplacePolicy", "Delete") == "Delete"


def test_who_may_call_search_fits_into_what_lambda_has_for_it(template: Template) -> None:
    """20 kB; each method of a route is a statement, which a long name of the stack makes longer."""
    stack, resource = "s" * 49, "arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function"
    kept = [
        {
            "Sid": f"{stack}-{name}-ABCDEFGHIJKL"[:100],
            "Effect": "Allow",
            "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"],
            "Resource": f"{resource}:{stack}-search:live",
            "Condition": {"ArnLike": {"AWS:SourceArn": permission["SourceArn"]["Fn::Sub"][0]}},
        }
        for name, permission in template.properties_of("Lambda::Permission").items()
    ]
    assert len(kept) > 20
    assert len(json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": kept})) < 20_000


def test_search_has_its_alias_always_because_sam_takes_none_under_a_condition(template: Template) -> None:
    assert target(template.only("Lambda::Alias")["FunctionName"]) == "Search"
    source = yaml_parse((ROOT / "template.yaml").read_text())
    source["Resources"]["Search"]["Properties"]["AutoPublishAlias"] = {"Fn::If": ["IsGradual", "live", NO_VALUE]}
    with pytest.raises(InvalidDocumentException) as refused:
        translate(source, {"ElasticsearchUrl": ELASTICSEARCH_URL})
    assert "must be a string or a Ref to a template parameter" in refused.value.causes[0].message


def parameters_in(value: Any) -> set[str]:
    """The parameters that a part of the template as it is written refers to, by themselves or through conditions."""
    text = json.dumps(value)
    names = set(re.findall(r'"Ref": "(\w+)"', text)) | set(re.findall(r"\$\{(\w+)\}", text))
    source = yaml_parse((ROOT / "template.yaml").read_text())
    for condition in re.findall(r'"Fn::If": \["(\w+)"', text):
        names |= parameters_in(source["Conditions"][condition])
    return names & set(source["Parameters"])


def test_search_changes_at_once_or_by_and_by_with_its_alarms_watching(template: Template) -> None:
    assert not template.properties_of("CodeDeploy::DeploymentGroup")
    assert "UpdatePolicy" not in template.resources["SearchAliaslive"]

    gradual = transform(SearchRollout="Canary10Percent5Minutes")
    group = gradual.only("CodeDeploy::DeploymentGroup")
    assert {target(each["Name"]) for each in group["AlarmConfiguration"]["Alarms"]} == {"SearchFails", "SearchIsSlow"}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert target(group["ServiceRoleArn"]) == "RolloutRole"
    assert "CodeDeployLambdaAliasUpdate" in gradual.resources["SearchAliaslive"]["UpdatePolicy"]


def test_logs_of_every_function_end_one_day(template: Template) -> None:
    groups = template.properties_of("Logs::LogGroup")
    for name, function in template.properties_of("Lambda::Function").items():
        group = groups.pop(target(function["LoggingConfig"]["LogGroup"]))
        assert group["RetentionInDays"] > 0, name
        assert group["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"]
    assert not groups


def test_functions_join_a_vpc_only_if_subnets_are_given(template: Template) -> None:
    assert not any("VpcConfig" in function for function in template.properties_of("Lambda::Function").values())
    inside = transform(VpcSubnetIds="subnet-1,subnet-2", VpcSecurityGroupIds="sg-1")
    for name, function in inside.properties_of("Lambda::Function").items():
        assert function["VpcConfig"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}, name


def test_subnets_without_a_security_group_are_refused_before_anything_is_made() -> None:
    with pytest.raises(AssertionError, match="SubnetsHaveSecurityGroups"):
        transform(VpcSubnetIds="subnet-1")


def test_search_is_kept_started_only_if_asked_for(template: Template) -> None:
    assert "ProvisionedConcurrencyConfig" not in template.only("Lambda::Alias")
    alias = transform(SearchProvisionedConcurrency="2").only("Lambda::Alias")
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}
    assert target(alias["FunctionName"]) == "Search"
