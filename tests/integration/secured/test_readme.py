"""The README's commands that make the keys, run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from lookalike.adapters.elasticsearch.client import connect

from infra.local.aws import AwsServer, session
from infra.local.elasticsearch.server import USER
from tests.integration.secured.server import PASSWORD, SecuredServer


def test_the_commands_make_keys_and_secrets_that_work(secured: SecuredServer, aws: AwsServer, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(secured.ca)
    (tmp_path / "infra").symlink_to(Path("infra").absolute())
    environment = {
        **os.environ,
        **aws.environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CURL_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "ELASTICSEARCH_URL": secured.url,
        "ELASTICSEARCH_USER": f"{USER}:{PASSWORD}",
    }
    [commands] = re.findall(r"```sh\n(.*?)```", Path("infra/README.md").read_text(), re.DOTALL)
    subprocess.run(["bash", "-e", "-c", commands], cwd=tmp_path, env=environment, check=True)

    secrets = session().client("secretsmanager", endpoint_url=aws.url)
    for role in ("search", "workers", "backfill"):
        with connect(secured.url, secrets.get_secret_value(SecretId=f"lookalike-{role}")["SecretString"], secured.ca) as client:
            assert client.security.authenticate()["api_key"]["name"] == f"lookalike-{role}"
