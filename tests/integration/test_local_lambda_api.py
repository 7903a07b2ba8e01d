import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.local import invocation
from infra.local.functions import Function, FunctionDefinition
from infra.local.lambda_api import LambdaApi
from tests.integration.processes import wait_for


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaApi]:
    definition = FunctionDefinition("lookalike-echo", "tests.integration.echo_functions.echo", timeout_s=20)
    function = Function(definition, {}, tmp_path_factory.mktemp("functions") / "echo.log")
    with LambdaApi({definition.name: function}) as served:
        yield served
    function.stop()


def test_boto3_invokes_a_function_by_name_and_by_arn(api: LambdaApi) -> None:
    invoke = invocation.through(invocation.client(api.url))
    assert invoke("lookalike-echo", {"size": 3})["event"] == {"size": 3}
    assert invoke("arn:aws:lambda:eu-central-1:123456789012:function:lookalike-echo:live", {})["event"] == {}


def test_the_aws_cli_invokes_a_function_and_writes_its_answer_to_a_file(api: LambdaApi, tmp_path: Path) -> None:
    (tmp_path / "start.json").write_text('{"action": "start"}')
    command = [str(Path(sys.executable).with_name("aws")), "lambda", "invoke", "--endpoint-url", api.url]
    command += ["--function-name", "lookalike-echo", "--payload", "fileb://start.json", "out.json"]
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}
    printed = subprocess.run(command, cwd=tmp_path, env=os.environ | credentials, capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout)["StatusCode"] == 200
    assert json.loads((tmp_path / "out.json").read_text())["event"] == {"action": "start"}


def test_a_failed_function_is_said_to_have_failed(api: LambdaApi) -> None:
    answer = invocation.client(api.url).invoke(FunctionName="lookalike-echo", Payload=b'{"raise": "no"}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "ValueError"
    with pytest.raises(invocation.FunctionFailed, match="lookalike-echo: ValueError: no"):
        invocation.through(invocation.client(api.url))("lookalike-echo", {"raise": "no"})


def test_an_event_invocation_answers_at_once_and_the_function_runs(api: LambdaApi, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    answer = invocation.client(api.url).invoke(
        FunctionName="lookalike-echo", InvocationType="Event", Payload=json.dumps({"touch": str(touched)}).encode()
    )
    assert answer["StatusCode"] == 202
    wait_for(touched.exists)


def test_a_dry_run_runs_nothing(api: LambdaApi, tmp_path: Path) -> None:
    payload = json.dumps({"touch": str(tmp_path / "touched")}).encode()
    answer = invocation.client(api.url).invoke(FunctionName="lookalike-echo", InvocationType="DryRun", Payload=payload)
    assert answer["StatusCode"] == 204
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("lookalike-unknown", b"{}", "ResourceNotFoundException"),
        ("lookalike-echo", b"{not json", "InvalidRequestContentException"),
        ("lookalike-echo", b'"' + b"x" * 6_300_000 + b'"', "RequestTooLargeException"),
    ],
)
def test_what_lambda_refuses_is_refused_with_its_codes(api: LambdaApi, name: str, payload: bytes, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        invocation.client(api.url).invoke(FunctionName=name, Payload=payload)
    assert refused.value.response["Error"]["Code"] == code
