"""Every time limit fits into the one around it: tries, pauses between them and what comes after them added up."""

import re
from typing import Any

import pytest
from lookalike import health
from lookalike.adapters.elasticsearch import client, source
from lookalike.adapters.http import fetcher
from lookalike.backfill import continuation, fan_out
from lookalike.redelivery import MAX_DELAY_S, backoff_s
from lookalike.wiring.base import AWS_CONFIG
from lookalike.wiring.models import INIT_LIMIT_S

from functions import batches
from functions.search import events
from infra.local.gateway import INTEGRATION_TIMEOUT_S
from infra.local.invocation import PATIENT
from infra.local.system import FUNCTIONS
from tests.unit.sam_template import ROOT, Template, target, transform

INIT_PHASE_S = 10
"""https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""

GATEWAY_S = 29
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""

WORKERS = ("OnUpload", "IndexProducts", "Backfill")


@pytest.fixture(scope="module")
def timeouts() -> dict[str, float]:
    return {name: function["Timeout"] for name, function in transform().properties_of("Lambda::Function").items()}


def _aws_call_s() -> float:
    """A call of S3 or SQS, at the longest: connects, says nothing, is tried again after up to 1, 2, 4 … seconds."""
    config: Any = AWS_CONFIG
    tries = int(config.retries["total_max_attempts"])
    return tries * float(config.connect_timeout + config.read_timeout) + 2.0 ** (tries - 1) - 1


def _elasticsearch_call_s() -> float:
    return client.TIMEOUT_S * (1 + client.RETRIES)


def test_search_answers_before_its_function_and_api_gateway_give_up(timeouts: dict[str, float]) -> None:
    assert timeouts["Search"] == GATEWAY_S == INTEGRATION_TIMEOUT_S
    time_s = timeouts["Search"] - events.MARGIN_S
    assert time_s > 3 * health.LIMIT_S
    assert time_s > fetcher.TOTAL_TIMEOUT_S
    assert time_s < GATEWAY_S


def test_the_init_phase_has_time_to_load_the_network_after_elasticsearch_said_nothing() -> None:
    assert INIT_LIMIT_S <= INIT_PHASE_S / 2


def test_a_download_fits_into_what_is_kept_for_it() -> None:
    assert fetcher.CONNECT_TIMEOUT_S < fetcher.READ_TIMEOUT_S < fetcher.TOTAL_TIMEOUT_S
    assert max(fetcher.TOTAL_TIMEOUT_S, _aws_call_s(), _elasticsearch_call_s()) <= batches.RESERVE_S - batches.LAST_S


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_work_and_then_to_return_its_messages(timeouts: dict[str, float], name: str) -> None:
    assert batches.REDELIVERY_S < batches.LAST_S < batches.RESERVE_S < timeouts[name] / 2


def test_a_part_of_a_backfill_ends_in_time_though_its_last_calls_are_slow(timeouts: dict[str, float]) -> None:
    after = max(source.TIMEOUT_S, _elasticsearch_call_s()) + _aws_call_s()
    for run_s in (fan_out.SLICE_RUN_S, continuation.RUN_S):
        assert run_s + after <= timeouts["Backfill"] - batches.LAST_S


def test_the_local_functions_have_the_deployed_timeouts(timeouts: dict[str, float]) -> None:
    local = {each.name.removeprefix("lookalike-").replace("-", ""): each.timeout_s for each in FUNCTIONS}
    assert local == {name.lower(): timeout for name, timeout in timeouts.items()}


def test_whoever_invokes_backfill_waits_longer_than_it_runs(timeouts: dict[str, float]) -> None:
    """AWS's CLI and boto wait for a minute by default, and invoke it again then."""
    script = (ROOT / "functions" / "backfill" / "README.md").read_text()
    assert [float(each) > timeouts["Backfill"] for each in re.findall(r"aws lambda invoke --cli-read-timeout (\d+) ", script)] == [True]
    patience: Any = PATIENT
    assert patience.read_timeout > timeouts["Backfill"]
    for folder in ("infra", "layers", "tests/smoke"):
        for path in (ROOT / folder).rglob("*.py"):
            clients = re.findall(r'client\("lambda"[^)]*\)', path.read_text())
            assert all("config=PATIENT" in each for each in clients), path


def test_a_message_has_had_all_its_tries_before_its_queue_forgets_it() -> None:
    template: Template = transform()
    queues, functions = template.properties_of("SQS::Queue"), template.properties_of("Lambda::Function")
    for mapping in template.properties_of("Lambda::EventSourceMapping").values():
        queue, timeout_s = queues[target(mapping["EventSourceArn"])], functions[target(mapping["FunctionName"])]["Timeout"]
        tries = queue["RedrivePolicy"]["maxReceiveCount"]
        delays = sum(backoff_s(10, failures, lambda: 1.0) for failures in range(tries))
        longest_s = max(tries * queue["VisibilityTimeout"], delays + tries * timeout_s)
        assert timeout_s + mapping["MaximumBatchingWindowInSeconds"] < queue["VisibilityTimeout"] <= MAX_DELAY_S
        assert longest_s < queue["MessageRetentionPeriod"]
