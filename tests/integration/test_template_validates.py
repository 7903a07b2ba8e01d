"""SAM's and CloudFormation's own checks of `template.yaml`; they need no network."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(tool: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a tool of this virtual environment in the repository."""
    return subprocess.run(
        [Path(sys.executable).parent / tool, *arguments],
        cwd=ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_sam_finds_the_template_valid() -> None:
    result = run("sam", "validate", "--lint", "--region", "eu-central-1")
    assert result.returncode == 0, result.stdout + result.stderr


def test_cfn_lint_finds_nothing() -> None:
    result = run("cfn-lint", "template.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
