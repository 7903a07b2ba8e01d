import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.functions import Answer, Function, FunctionDefinition
from tests.integration.processes import wait_until_gone

ECHO = FunctionDefinition("lookalike-echo", "tests.integration.echo_functions.echo", timeout_s=20, memory_mb=512)


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Function]:
    function = Function(ECHO, {"LOOKALIKE_ALIAS": "shop"}, tmp_path / "echo.log")
    function.start()
    yield function
    function.stop()


def test_a_function_gets_its_event_context_and_settings(echo: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = echo.invoke('{"colour": "grün"}')
    result = json.loads(answer.payload)
    assert not answer.failed
    assert result["event"] == {"colour": "grün"}
    assert result["arn"].endswith(":function:lookalike-echo")
    assert 0 < result["remaining_ms"] <= 20_000
    assert result["setting"] == "shop"
    assert result["pid"] == echo.pids[0] != os.getpid()


def test_the_machines_own_aws_settings_do_not_reach_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    function = Function(ECHO, {}, tmp_path / "log")
    try:
        assert json.loads(function.invoke("{}").payload)["foreign"] is None
    finally:
        function.stop()


def test_an_exception_becomes_lambdas_error_and_the_next_event_is_handled(echo: Function) -> None:
    answer = echo.invoke('{"raise": "no such colour"}')
    error = json.loads(answer.payload)
    assert answer.failed
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such colour")
    assert "echo.py" in "".join(error["stackTrace"])
    assert not echo.invoke("{}").failed
    assert "no such colour" in echo.log.read_text()


def test_an_answer_that_is_no_json_is_an_error(echo: Function) -> None:
    answer = echo.invoke('{"unserialisable": true}')
    assert answer.failed
    assert json.loads(answer.payload)["errorType"] == "TypeError"


def test_an_answer_over_lambdas_limit_is_an_error(echo: Function) -> None:
    answer = echo.invoke('{"repeat": 6300000}')
    assert answer.failed
    assert json.loads(answer.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_function_that_dies_reports_an_error_and_the_next_invocation_works(echo: Function) -> None:
    answer = echo.invoke('{"die": true}')
    assert answer.failed
    assert json.loads(answer.payload)["errorType"] == "Runtime.ExitError"
    assert not echo.invoke("{}").failed


def test_a_function_killed_while_idle_is_replaced(echo: Function) -> None:
    pid = json.loads(echo.invoke("{}").payload)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    answer = echo.invoke("{}")
    assert not answer.failed
    assert json.loads(answer.payload)["pid"] != pid


def test_a_function_that_takes_too_long_is_ended_and_the_next_invocation_works(tmp_path: Path) -> None:
    function = Function(FunctionDefinition("slow", ECHO.module, timeout_s=1), {}, tmp_path / "log")
    try:
        answer = function.invoke('{"sleep_s": 600}')
        assert answer.failed
        assert "timed out after 1.00 seconds" in json.loads(answer.payload)["errorMessage"]
        assert not function.invoke("{}").failed
    finally:
        function.stop()


def test_a_failed_init_phase_is_reported_by_each_invocation(tmp_path: Path) -> None:
    function = Function(FunctionDefinition("broken", "tests.integration.echo_functions.broken", timeout_s=5), {}, tmp_path / "log")
    function.start()
    try:
        assert "ELASTICSEARCH_URL is missing" in (function.init_error() or "")
        assert "ELASTICSEARCH_URL is missing" in function.invoke("{}").payload
    finally:
        function.stop()


def test_a_process_that_ends_in_its_init_phase_is_reported_by_each_invocation(tmp_path: Path) -> None:
    function = Function(FunctionDefinition("dying", "tests.integration.echo_functions.dying", timeout_s=5), {}, tmp_path / "log")
    try:
        for _ in range(2):
            answer = function.invoke("{}")
            assert answer.failed
            assert "exit status 3" in answer.payload
    finally:
        function.stop()


def test_two_processes_handle_two_events_at_the_same_time(tmp_path: Path) -> None:
    function = Function(FunctionDefinition("pair", ECHO.module, timeout_s=60, concurrency=2), {}, tmp_path / "log")
    try:
        waiting = threading.Thread(target=function.invoke, args=(json.dumps({"wait_for": str(tmp_path / "signal")}),))
        waiting.start()
        assert not function.invoke(json.dumps({"touch": str(tmp_path / "signal")})).failed
        waiting.join()
        assert len(function.pids) == 2
    finally:
        function.stop()


def test_a_function_does_not_survive_the_death_of_its_parent(tmp_path: Path) -> None:
    program = f"""
import json, pathlib, time
from infra.local.functions import Answer, Function, FunctionDefinition
function = Function(FunctionDefinition("orphan", "{ECHO.module}", timeout_s=60), {{}}, pathlib.Path("{tmp_path}/log"))
print(json.loads(function.invoke("{{}}").payload)["pid"], flush=True)
function.invoke('{{"sleep_s": 600}}')
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until_gone(pid)


def test_stopping_cuts_off_what_runs_and_nothing_runs_afterwards(tmp_path: Path) -> None:
    function = Function(ECHO, {}, tmp_path / "log")
    answers: list[Answer] = []
    begun = tmp_path / "begun"
    event = json.dumps({"touch": str(begun), "sleep_s": 600})
    running = threading.Thread(target=lambda: answers.append(function.invoke(event)))
    running.start()
    while not begun.exists():
        time.sleep(0.01)
    function.stop()
    running.join()
    assert answers[0].failed
    assert function.invoke("{}").failed
    assert function.pids == []
