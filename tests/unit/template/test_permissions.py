"""House rules of the roles: each function may do what it does, on what is ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sam_template import Template, bucket_arn, many, statements, target, transform

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:elasticsearch-AbCdEf"
BEDROCK_ARN = "arn:aws:bedrock:eu-central-1::foundation-model/amazon.titan-embed-image-v1"
NO_NARROWER_RESOURCE = {"JoinVpc"}
"""Statements whose actions AWS does not let one limit to a resource."""


@pytest.fixture(scope="module")
def template() -> Template:
    return transform()


@pytest.fixture(scope="module")
def full() -> Template:
    return transform(
        ElasticsearchSecretArn=SECRET_ARN,
        KmsKeyArns=KEY_ARN,
        BedrockModelArns=BEDROCK_ARN,
        VpcSubnetIds="subnet-1",
        VpcSecurityGroupIds="sg-1",
        PermissionsBoundaryArn=BOUNDARY,
        ScheduledBackfill="{}",
        SearchRollout="Canary10Percent5Minutes",
        AccessLog="on-with-role",
    )


def allowed(template: Template, function: str) -> Iterator[dict[str, Any]]:
    """Every statement that a function's role has, the shared ones included."""
    role = template.properties_of("IAM::Role")[target(template.properties_of("Lambda::Function")[function]["Role"])]
    for policy in role["Policies"]:
        yield from statements(policy)
    for shared in role["ManagedPolicyArns"]:
        yield from statements(template.properties_of("IAM::ManagedPolicy")[target(shared)])


def resources(template: Template, function: str, action: str) -> set[str]:
    """The logical ids of what a function may do this action on."""
    return {
        target(resource)
        for statement in allowed(template, function)
        if action in many(statement["Action"])
        for resource in many(statement["Resource"])
    }


FUNCTIONS = ["OnUpload", "Backfill", "IndexProducts", "Search"]


def test_the_rules_below_cover_every_function(template: Template) -> None:
    assert sorted(FUNCTIONS) == sorted(template.properties_of("Lambda::Function"))


def test_each_function_has_a_role_of_its_own_without_aws_s_broad_policies(full: Template) -> None:
    roles = [target(function["Role"]) for function in full.properties_of("Lambda::Function").values()]
    assert len(roles) == len(set(roles)) == 4
    for name in roles:
        [policy] = full.properties_of("IAM::Role")[name]["ManagedPolicyArns"]
        assert target(policy) == "FunctionPolicy"


def test_every_role_is_within_the_permissions_boundary_if_there_is_one(template: Template, full: Template) -> None:
    assert not any("PermissionsBoundary" in role for role in template.properties_of("IAM::Role").values())
    bounds = {name: role["PermissionsBoundary"] for name, role in full.properties_of("IAM::Role").items()}
    assert bounds == dict.fromkeys(bounds, BOUNDARY)
    assert {"RolloutRole", "LoggingRole", "SchedulesRole"} < set(bounds)


def test_a_rollout_is_made_by_codedeploy_alone_with_aws_s_limited_policy(full: Template) -> None:
    role = full.properties_of("IAM::Role")["RolloutRole"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    [policy] = role["ManagedPolicyArns"]
    assert policy["Fn::Sub"].endswith(":aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited")


def test_a_customer_s_key_may_be_used_through_the_services_that_need_it_only(template: Template, full: Template) -> None:
    assert not any(statement["Sid"] == "Decrypt" for statement in allowed(template, "Search"))
    [statement] = [each for each in allowed(full, "Search") if each["Sid"] == "Decrypt"]
    assert statement["Resource"] == [KEY_ARN]
    services = [service["Fn::Sub"].partition(".")[0] for service in statement["Condition"]["StringEquals"]["kms:ViaService"]]
    assert services == ["secretsmanager", "s3"]


def test_what_embeds_may_ask_the_models_of_bedrock_that_are_named_and_no_other(template: Template, full: Template) -> None:
    for function in FUNCTIONS:
        asked = [statement["Resource"] for statement in allowed(full, function) if "bedrock:InvokeModel" in many(statement["Action"])]
        assert asked == ([] if function == "Backfill" else [[BEDROCK_ARN]])
        assert not any(statement["Sid"] == "AskBedrock" for statement in allowed(template, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_action_is_a_wildcard_and_no_resource_but_where_aws_knows_no_narrower_one(full: Template, function: str) -> None:
    for statement in allowed(full, function):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in many(statement["Action"])), statement
        if statement["Sid"] in NO_NARROWER_RESOURCE:
            assert statement["Resource"] == "*"
        else:
            assert all(
                isinstance(resource, dict) or resource in (SECRET_ARN, KEY_ARN, BEDROCK_ARN) for resource in many(statement["Resource"])
            ), statement


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_receives_from_the_queue_that_invokes_it_and_only_backfill_takes_dead_letters(template: Template, function: str) -> None:
    mappings = template.properties_of("Lambda::EventSourceMapping").values()
    invoking = {target(mapping["EventSourceArn"]) for mapping in mappings if target(mapping["FunctionName"]) == function}
    own = {name.replace("Queue", "DeadLetterQueue") for name in invoking}
    recorded = {"UploadsDeadLetterQueue", "ProductsDeadLetterQueue", "BackfillDeadLetterQueue"} if function == "Backfill" else set()
    assert resources(template, function, "sqs:DeleteMessage") == invoking | recorded
    assert resources(template, function, "sqs:ReceiveMessage") == invoking | recorded
    assert resources(template, function, "sqs:GetQueueUrl") == invoking | own | recorded
    assert resources(template, function, "sqs:ChangeMessageVisibility") == invoking
    inspected = {"UploadsQueue", "ProductsQueue"} if function == "Backfill" else set()
    assert resources(template, function, "sqs:GetQueueAttributes") == invoking | inspected | recorded


@pytest.mark.parametrize(
    ("function", "queues"),
    [
        ("OnUpload", {"UploadsDeadLetterQueue"}),
        ("Backfill", {"BackfillQueue", "ProductsQueue", "UploadsQueue", "BackfillDeadLetterQueue"}),
        ("IndexProducts", {"ProductsQueue", "ProductsDeadLetterQueue"}),
        ("Search", set()),
    ],
)
def test_a_function_sends_only_to_queues_that_continue_its_work_and_to_its_dead_letters(
    template: Template, function: str, queues: set[str]
) -> None:
    assert resources(template, function, "sqs:SendMessage") == queues


@pytest.mark.parametrize("function", FUNCTIONS)
def test_reading_a_picture_comes_with_learning_that_it_is_absent(template: Template, function: str) -> None:
    pictures = [statement for statement in allowed(template, function) if statement["Action"] == "s3:GetObject"]
    listing = [statement for statement in allowed(template, function) if statement["Action"] == "s3:ListBucket"]
    assert (len(pictures), len(listing)) == (0 if function == "Backfill" else 1, 1)
    assert all(statement["Resource"] == bucket_arn(below="/images/*") for statement in pictures)
    assert all(statement["Resource"] == bucket_arn() for statement in listing)
    assert all("Condition" not in statement for statement in listing)


def test_another_bucket_and_another_secret_may_be_read_by_a_backfill_and_its_workers_if_they_are_named() -> None:
    named = transform(SourceBucket="shop-pictures", SourceUrl="https://other.example:9243", SourceSecretArn=SECRET_ARN)

    def sources(function: str) -> list[str]:
        return [statement["Sid"] for statement in allowed(named, function) if "Source" in statement["Sid"]]

    assert {function: sources(function) for function in FUNCTIONS} == {
        "OnUpload": [],
        "Backfill": ["ListSource", "ReadSourceSecret"],
        "IndexProducts": ["ListSource", "ReadSource"],
        "Search": ["ListSource", "ReadSource"],  # it signs links to these pictures, which can do what their signer can
    }


@pytest.mark.parametrize("own", ["Search", "Workers"])
def test_a_secret_of_some_functions_is_refused_where_the_others_have_none(own: str) -> None:
    with pytest.raises(AssertionError, match=f"{own}SecretHasTheOthers"):
        transform(**{f"{own}SecretArn": SECRET_ARN})
    transform(**{f"{own}SecretArn": SECRET_ARN, "ElasticsearchSecretArn": SECRET_ARN})


def test_a_secret_of_another_cluster_is_refused_without_its_address() -> None:
    with pytest.raises(AssertionError, match="SourceSecretHasItsUrl"):
        transform(SourceSecretArn=SECRET_ARN)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_log_and_no_other(template: Template, function: str) -> None:
    group = target(template.properties_of("Lambda::Function")[function]["LoggingConfig"]["LogGroup"])
    assert resources(template, function, "logs:PutLogEvents") == {group}
    assert resources(template, function, "logs:CreateLogStream") == {group}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_secret_may_be_read_only_if_there_is_one(template: Template, full: Template, function: str) -> None:
    assert not any("secretsmanager:GetSecretValue" in many(statement["Action"]) for statement in allowed(template, function))
    [statement] = [each for each in allowed(full, function) if each["Action"] == "secretsmanager:GetSecretValue"]
    assert statement["Resource"] == SECRET_ARN


def test_a_function_reads_the_secret_with_its_own_rights_and_no_other_s() -> None:
    arns = {name: f"{SECRET_ARN}-{name}" for name in ("search", "workers", "backfill")}
    own = transform(ElasticsearchSecretArn=arns["backfill"], SearchSecretArn=arns["search"], WorkersSecretArn=arns["workers"])
    roles = {"OnUpload": "workers", "Backfill": "backfill", "IndexProducts": "workers", "Search": "search"}
    for function, role in roles.items():
        [statement] = [each for each in allowed(own, function) if each["Action"] == "secretsmanager:GetSecretValue"]
        variables = own.properties_of("Lambda::Function")[function]["Environment"]["Variables"]
        assert (statement["Resource"], variables["LOOKALIKE_ELASTICSEARCH_SECRET_ARN"]) == (arns[role], arns[role]), function


@pytest.mark.parametrize("function", FUNCTIONS)
def test_network_interfaces_may_be_made_only_in_a_vpc(template: Template, full: Template, function: str) -> None:
    def network_actions(variant: Template) -> list[str]:
        return [action for statement in allowed(variant, function) for action in many(statement["Action"]) if action.startswith("ec2:")]

    assert not network_actions(template)
    assert "ec2:CreateNetworkInterface" in network_actions(full)
