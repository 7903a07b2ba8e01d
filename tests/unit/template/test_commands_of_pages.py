"""Commands of the pages about AWS are such as the CLI takes, and name what the template makes and the code logs."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from awscli.clidriver import create_clidriver
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from tests.unit.sam_template import ROOT, transform

PAGES = [ROOT / "infra" / f"{name}.md" for name in ("README", "operations", "parameters", "image")]
MADE_UP = "51af3dc0-da77-11e4-872e-1234567b0123"
"""What stands for all that a page leaves open."""

RUNBOOK = (ROOT / "infra" / "operations.md").read_text()


def commands(text: str) -> Iterator[list[str]]:
    """Each call of the CLI, as the shell splits it, without the calls inside it."""
    spans = re.findall(r"`(aws [^`]+)`", text) + re.findall(r"^ {3,}(aws (?:[^'\n]|'[^']*')+)", text, re.MULTILINE)
    for span in spans:
        whole = re.sub(r"\$\([^()]*\)|file://\$\S+|\$|…", MADE_UP, span.partition("&&")[0])
        yield shlex.split(re.sub(r"\bBUCKET\b", "a-bucket", whole), comments=True)


@pytest.fixture(scope="module")
def cli() -> Any:
    """AWS's CLI in this process."""
    return create_clidriver()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_command_is_one_that_the_cli_takes(
    page: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It checks all that it is given before it looks for AWS, which is not there."""

    def away(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="AWS")

    monkeypatch.setattr(URLLib3Session, "send", away)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found = [command for command in commands(page.read_text()) if len(command) > 3]
    assert found
    for _, *command in found:
        cli.main([*command, "--no-sign-request", "--region", "eu-central-1"])
        said = "".join(capsys.readouterr())
        assert "Could not connect to the endpoint" in said, f"{shlex.join(command)}: {said}"


def test_the_runbook_s_shell_functions_are_written_correctly() -> None:
    [block] = re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    subprocess.run(["sh", "-n", "-c", block], check=True)


def test_the_runbook_asks_for_log_lines_that_a_function_writes() -> None:
    functions = {folder.name.replace("_", "-"): folder for folder in (ROOT / "functions").iterdir() if (folder / "app.py").exists()}
    asked = re.findall(r"`logs ([\w-]+) (.+?)`", RUNBOOK)
    names = {each["FunctionName"]["Fn::Sub"] for each in transform().properties_of("Lambda::Function").values()}
    assert len(asked) > 10
    for name, pattern in asked:
        assert f"${{AWS::StackName}}-{name}" in names
        written = "".join(path.read_text() for path in functions[name].rglob("*.py"))
        for message in re.findall(r'\$\.message = "(\w+)"', pattern):
            assert f'"{message}"' in written, (name, pattern)
        for field in set(re.findall(r"\$\.(\w+)", pattern)) - {"message", "level", "cold_start"}:  # powertools' own
            assert f"{field}=" in written, (name, pattern)
