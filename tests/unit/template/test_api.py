"""House rules of the HTTP API: preflights, limits, and what API Gateway answers by itself. Its routes are in functions/test_routes.py."""

import json
from typing import Any

import pytest
from lookalike import errors

from functions.search.routes import ROUTES, methods_of
from tests.unit.sam_template import Template, target, transform

STATUS_OF_RESPONSE = {
    "INVALID_API_KEY": 403,
    "ACCESS_DENIED": 403,
    "WAF_FILTERED": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "RESOURCE_NOT_FOUND": 404,
    "REQUEST_TOO_LARGE": 413,
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 504,
}


ORIGIN = "https://shop.example"
FIREWALL = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"


@pytest.fixture(scope="module")
def template() -> Template:
    return transform(AllowedOrigin=ORIGIN)


@pytest.fixture(scope="module")
def body(template: Template) -> dict[str, Any]:
    document: dict[str, Any] = template.only("ApiGateway::RestApi")["Body"]
    return document


@pytest.fixture(scope="module")
def gateway_responses(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    responses: dict[str, dict[str, Any]] = body["x-amazon-apigateway-gateway-responses"]
    return responses


def error_of(response: dict[str, Any]) -> dict[str, str]:
    """The error that a gateway response carries, with API Gateway's variables filled in."""
    template = response["responseTemplates"]["application/json"]
    filled = template.replace("$context.error.messageString", '"some message"').replace("$context.requestId", "some-id")
    error: dict[str, str] = json.loads(filled)["error"]
    return error


def test_every_route_answers_a_browser_s_preflight_without_a_key(body: dict[str, Any]) -> None:
    for path, item in body["paths"].items():
        assert not item["options"].get("security"), path
        headers = item["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == f"'{ORIGIN}'"
        assert "X-Api-Key" in headers["method.response.header.Access-Control-Allow-Headers"]


def test_servers_and_pages_have_a_key_each_with_limits_of_its_own(template: Template) -> None:
    plans = template.properties_of("ApiGateway::UsagePlan")
    keys = {
        target(each["KeyId"]): plans[target(each["UsagePlanId"])] for each in template.properties_of("ApiGateway::UsagePlanKey").values()
    }
    assert set(keys) == set(template.properties_of("ApiGateway::ApiKey")) == {"ServerKey", "BrowserKey"}
    for plan in keys.values():
        assert target(plan["ApiStages"][0]["ApiId"]) == "Api"
        assert plan["Quota"]["Period"] == "DAY"
    for limit in ("RateLimit", "BurstLimit"):
        assert 0 < keys["BrowserKey"]["Throttle"][limit] < keys["ServerKey"]["Throttle"][limit]
    assert keys["BrowserKey"]["Quota"]["Limit"] < keys["ServerKey"]["Quota"]["Limit"]


def test_every_route_that_needs_no_key_has_a_low_limit_and_all_others_the_api_s(template: Template) -> None:
    first, *others = template.only("ApiGateway::Stage")["MethodSettings"]
    assert (first["ResourcePath"], first["HttpMethod"], first["ThrottlingRateLimit"]) == ("/*", "*", 20)
    limited = {(each["HttpMethod"], "/" + each["ResourcePath"][1:].replace("~1", "")): each["ThrottlingRateLimit"] for each in others}
    assert limited == {(method, route.path): 5 for route in ROUTES if route.is_open for method in methods_of(route)}


def test_answers_are_compressed_for_clients_that_take_it(template: Template) -> None:
    assert template.only("ApiGateway::RestApi")["MinimumCompressionSize"] <= 1024


def test_there_is_an_access_log_only_if_it_is_asked_for(template: Template) -> None:
    assert "AccessLogSetting" not in template.only("ApiGateway::Stage")
    assert "AccessLogs" not in template.resources

    logged = transform(AccessLog="on")
    setting = logged.only("ApiGateway::Stage")["AccessLogSetting"]
    assert target(setting["DestinationArn"]) == "AccessLogs"
    line = json.loads(setting["Format"])
    assert {"request_id", "status", "route", "key", "ms"} <= set(line)
    assert not logged.properties_of("ApiGateway::Account")


def test_the_account_s_logging_role_is_made_before_the_stage_that_logs_and_outlives_it() -> None:
    template = transform(AccessLog="on-with-role")
    assert target(template.only("ApiGateway::Account")["CloudWatchRoleArn"]) == "LoggingRole"
    assert template.properties_of("Logs::LogGroup")["AccessLogs"]["Tags"][0]["Value"] == {"Ref": "LoggingAccount"}
    for name in ("LoggingRole", "LoggingAccount"):
        assert template.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_every_answer_of_api_gateway_has_our_shape_and_can_be_read_by_a_browser(gateway_responses: dict[str, dict[str, Any]]) -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} | set(STATUS_OF_RESPONSE) <= set(gateway_responses)
    for name, response in gateway_responses.items():
        assert set(error_of(response)) == {"code", "message", "request_id"}, name
        assert error_of(response)["request_id"] == "some-id", name
        origin = response["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"]
        assert origin == f"'{ORIGIN}'", name


@pytest.mark.parametrize(("name", "status"), STATUS_OF_RESPONSE.items())
def test_an_answer_of_api_gateway_has_the_status_of_its_meaning(
    gateway_responses: dict[str, dict[str, Any]], name: str, status: int
) -> None:
    assert gateway_responses[name]["statusCode"] == str(status)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("BAD_REQUEST_BODY", errors.RequestInvalid),
        ("BAD_REQUEST_PARAMETERS", errors.RequestInvalid),
        ("INVALID_API_KEY", errors.ApiKeyRefused),
        ("RESOURCE_NOT_FOUND", errors.NotFound),
        ("REQUEST_TOO_LARGE", errors.BodyTooLarge),
        ("INTEGRATION_FAILURE", errors.TransientError),
    ],
)
def test_a_client_meets_the_same_code_from_api_gateway_as_from_us(
    gateway_responses: dict[str, dict[str, Any]], name: str, error: type[errors.LookalikeError]
) -> None:
    assert error_of(gateway_responses[name])["code"] == error.code
    assert gateway_responses[name]["statusCode"] == str(error.http_status)


def test_transient_errors_say_when_to_try_again(gateway_responses: dict[str, dict[str, Any]]) -> None:
    for name in ("THROTTLED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"):
        assert "gatewayresponse.header.Retry-After" in gateway_responses[name]["responseParameters"], name


def test_a_firewall_stands_before_the_api_only_if_one_is_given(template: Template) -> None:
    assert not template.properties_of("WAFv2::WebACLAssociation")
    assert transform(WafWebAclArn=FIREWALL).only("WAFv2::WebACLAssociation")["WebACLArn"] == FIREWALL


def test_the_outputs_tell_a_newcomer_where_everything_is(template: Template) -> None:
    expected = {"ApiUrl", "ServerKeyId", "BrowserKeyId", "Bucket", "UploadsQueueArn", "ProductsQueueUrl", "BackfillFunction"}
    assert set(template.outputs) == expected
    for name in ("ServerKeyId", "BrowserKeyId"):
        assert template.outputs[name]["Value"]["Ref"] in template.properties_of("ApiGateway::ApiKey")
