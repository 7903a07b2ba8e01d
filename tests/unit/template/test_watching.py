"""House rules of what watches the system: an alarm for each way to ail, a page for each alarm, a dashboard."""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

import pytest
from lookalike.errors import IndexUnavailable
from lookalike.indexing.outcomes import OutcomeState
from lookalike.search.query_vectors import STAGES
from samtranslator.yaml_helper import yaml_parse

from infra import costs
from tests.unit.sam_template import ROOT, Template, target, transform

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
RUNBOOK = (ROOT / "infra" / "operations.md").read_text()


@pytest.fixture(scope="module")
def template() -> Template:
    return transform(AlarmTopicArn=TOPIC, ScheduledBackfill='{"action": "list"}')


@pytest.fixture(scope="module")
def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return template.properties_of("CloudWatch::Alarm")


def test_there_is_an_alarm_for_each_way_to_ail(alarms: dict[str, dict[str, Any]]) -> None:
    assert set(alarms) == {
        *("UploadsDeadLetters", "ProductsDeadLetters", "BackfillDeadLetters"),
        *("UploadsWait", "ProductsWait", "BackfillWait"),
        *("SearchFails", "SearchIsSlow", "Throttled", "RecursionDropped", "ElasticsearchAway", "NightlyBackfillMissed"),
    }


def test_an_alarm_is_told_when_it_rings_and_when_it_ends(alarms: dict[str, dict[str, Any]]) -> None:
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC], name
    for alarm in transform().properties_of("CloudWatch::Alarm").values():
        assert "AlarmActions" not in alarm


def test_the_runbook_says_of_each_alarm_what_it_means_what_to_look_at_and_what_to_do(alarms: dict[str, dict[str, Any]]) -> None:
    sections = {section.partition("\n")[0]: section for section in RUNBOOK.split("\n### ")[1:]}
    assert set(sections) == set(alarms)
    for name, section in sections.items():
        assert all(f"**{part}.**" in section for part in ("Means", "Look at", "Do")), name


def metrics(alarms: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every metric that an alarm reads, by itself or in an expression."""
    summed = [each["MetricStat"]["Metric"] for alarm in alarms.values() for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    return [*summed, *(alarm for alarm in alarms.values() if "MetricName" in alarm)]


def test_the_costs_count_every_alarm_and_metric(alarms: dict[str, dict[str, Any]]) -> None:
    assert f"{len(alarms)} alarms on {len(metrics(alarms))} metrics" in costs.page()


def test_every_dead_letter_queue_and_every_queue_s_age_is_watched(template: Template, alarms: dict[str, dict[str, Any]]) -> None:
    watched = {(each["MetricName"], target(each["Dimensions"][0]["Value"])) for each in metrics(alarms) if each["Namespace"] == "AWS/SQS"}
    dead = ("ApproximateNumberOfMessagesVisible", "NumberOfMessagesReceived")  # what waits, and what was taken before SQS counted it
    queues = template.properties_of("SQS::Queue")
    assert watched == {
        (metric, name)
        for name, queue in queues.items()
        for metric in (["ApproximateAgeOfOldestMessage"] if "RedrivePolicy" in queue else dead)
    }
    for name in ("Uploads", "Products", "Backfill"):
        alarm = alarms[f"{name}DeadLetters"]
        assert {each["MetricStat"]["Stat"] for each in alarm["Metrics"] if "MetricStat" in each} == {"Maximum", "Sum"}
        assert alarm["Metrics"][0]["Expression"] == "SUM(FILL(METRICS(), 0))"


def test_a_message_s_age_is_told_long_before_the_queue_drops_it(template: Template, alarms: dict[str, dict[str, Any]]) -> None:
    queues = template.properties_of("SQS::Queue")
    for name in ("Uploads", "Products", "Backfill"):
        assert alarms[f"{name}Wait"]["Threshold"] <= queues[f"{name}Queue"]["MessageRetentionPeriod"] / 2


@pytest.mark.parametrize(("alarm", "metric"), [("Throttled", "Throttles"), ("RecursionDropped", "RecursiveInvocationsDropped")])
def test_what_lambda_refuses_is_summed_over_all_functions(
    template: Template, alarms: dict[str, dict[str, Any]], alarm: str, metric: str
) -> None:
    summed = [each["MetricStat"]["Metric"] for each in alarms[alarm]["Metrics"] if "MetricStat" in each]
    assert {each["MetricName"] for each in summed} == {metric}
    assert {target(each["Dimensions"][0]["Value"]) for each in summed} == set(template.properties_of("Lambda::Function"))
    [expression] = [each["Expression"] for each in alarms[alarm]["Metrics"] if "Expression" in each]
    assert expression == "SUM(FILL(METRICS(), 0))"  # Lambda reports no number for a function that was not called


def filled(alarm: dict[str, Any]) -> dict[str, Any]:
    """The metric of an alarm that takes no report for 0, which CloudWatch by itself would look for further back."""
    expression, metric = alarm["Metrics"]
    assert expression["Expression"] == f"FILL({metric['Id']}, 0)"
    assert metric["ReturnData"] is False
    stat: dict[str, Any] = metric["MetricStat"]
    return stat


def test_elasticsearch_s_absence_is_read_from_every_function_s_log(template: Template, alarms: dict[str, dict[str, Any]]) -> None:
    filters = template.properties_of("Logs::MetricFilter").values()
    watched = filled(alarms["ElasticsearchAway"])["Metric"]
    assert {target(each["LogGroupName"]) for each in filters} == set(template.properties_of("Logs::LogGroup"))
    for each in filters:
        assert each["FilterPattern"] == f'"{IndexUnavailable.code}"'
        [made] = each["MetricTransformations"]
        assert made["MetricName"] == watched["MetricName"]
        assert made["MetricNamespace"] == watched["Namespace"] == {"Ref": "AWS::StackName"}


def test_a_function_logs_what_the_alarm_counts_whichever_level_is_chosen() -> None:
    """The lines are warnings (functions/test_time.py), or errors."""
    assert yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO", "WARNING"]


def emitted() -> dict[str, set[str]]:
    """The metrics that the functions' code counts, by service, but for those of errors by status."""
    names: dict[str, set[str]] = {}
    for path in (ROOT / "functions").rglob("*.py"):
        for name in re.findall(r'(?:add_metric|_count)\(f?"(\w+(?:\{\w+\.capitalize\(\)\})?)"', path.read_text()):
            plain, _, variable = name.partition("{")
            parts = {"": ("",), "stage": STAGES, "state": get_args(OutcomeState)}[variable.partition(".")[0]]
            names.setdefault(path.relative_to(ROOT / "functions").parts[0], set()).update(plain + part.capitalize() for part in parts)
    return names


def shown(template: Template) -> Iterator[list[str]]:
    """The metrics on the dashboard, each as namespace, name, and the names and values of its dimensions."""
    for widget in json.loads(template.only("CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"][0])["widgets"]:
        before: list[str] = []
        for metric in widget["properties"]["metrics"]:
            texts = [each for each in metric if isinstance(each, str)]
            if texts[0] == "...":
                texts = before[: 1 - len(texts)] + texts[1:] if texts[1:] else before
            before = [before[place] if text == "." else text for place, text in enumerate(texts)]
            yield before


def test_every_metric_of_our_own_that_is_watched_or_shown_is_one_that_a_function_counts(
    template: Template, alarms: dict[str, dict[str, Any]]
) -> None:
    counted = {pair for service, names in emitted().items() for pair in product(names, [service])}
    watched = {
        (each["MetricName"], each["Dimensions"][0]["Value"])
        for each in metrics(alarms)
        if each["Namespace"] == {"Ref": "AWS::StackName"} and each["MetricName"] != "ElasticsearchAway"
    }
    on_dashboard = [metric for metric in shown(template) if metric[0] == "${AWS::StackName}"]
    services = {each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for each in template.properties_of("Lambda::Function").values()}

    assert watched == {("BackfillsStarted", "backfill")}
    assert {metric[2] for metric in on_dashboard} == {"service"}
    assert watched | {(name, service) for _, name, _, service in on_dashboard} <= counted
    assert set(emitted()) == services


def test_the_costs_count_every_metric_of_the_functions_and_that_of_their_logs() -> None:
    count = sum(map(len, emitted().values())) + 1
    assert f"{count} metrics, and one for each status of errors" in costs.page()


def test_alarms_of_the_api_watch_the_stage_that_there_is(template: Template, alarms: dict[str, dict[str, Any]]) -> None:
    watched = [alarm["Dimensions"] for alarm in alarms.values() if alarm.get("Namespace") == "AWS/ApiGateway"]
    assert len(watched) == 2
    for dimensions in watched:
        assert {each["Name"]: each["Value"] for each in dimensions} == {
            "ApiName": template.only("ApiGateway::RestApi")["Name"],
            "Stage": template.only("ApiGateway::Stage")["StageName"],
        }


def test_a_missed_night_rings_also_when_nothing_at_all_is_reported(alarms: dict[str, dict[str, Any]]) -> None:
    alarm = alarms["NightlyBackfillMissed"]
    assert alarm["TreatMissingData"] == "breaching"
    assert filled(alarm)["Period"] * alarm["EvaluationPeriods"] == 26 * 3600
    assert "NightlyBackfillMissed" not in transform().resources


def test_the_dashboard_shows_every_queue_and_function(template: Template) -> None:
    body, names = template.only("CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    shown = {target(reference) for reference in names.values()}
    assert set(template.properties_of("SQS::Queue")) <= shown
    assert all(f"${{{function}}}" in body for function in template.properties_of("Lambda::Function"))
    assert len(json.loads(body)["widgets"]) >= 6
