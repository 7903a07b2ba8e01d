import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from werkzeug.wrappers import Response

from infra.local import aws
from infra.local.child_process import Failure
from infra.local.elasticsearch.server import USER, ElasticsearchServer
from infra.local.loopback import LoopbackServer
from infra.local.system import LocalSystem
from layers.models import export
from tests.integration.processes import descendants, wait_for, wait_until_gone
from tests.server_folder import server_folder

REPOSITORY = Path(__file__).parents[2]
MODELS = Path("build/models")


@pytest.fixture(scope="module")
def model() -> str:
    return export.ensure("efficientnet_lite0", MODELS, print)


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("system") as made:
        yield made


@pytest.fixture
def alias() -> str:
    return f"system-{uuid.uuid4().hex[:8]}"


def test_on_a_secured_elasticsearch_the_credentials_come_from_the_secret_and_the_gateway_asks_for_its_key(model: str, folder: Path) -> None:
    with ElasticsearchServer(folder / "secured", heap_mb=512, quick_start=True, password="open/sesame") as server:
        assert requests.get(server.url, timeout=10).status_code == 401
        url = server.url.replace("//", f"//{USER}:open%2Fsesame@")
        with LocalSystem(model, MODELS, folder, elasticsearch_url=url, api_key="opensesame") as system:
            s3 = aws.session().client("s3", endpoint_url=system.aws_url)
            s3.put_object(Bucket=system.bucket, Key="images/42.png", Body=_picture())
            documents = f"{server.url}/{system.alias}/_count"
            wait_for(lambda: requests.get(documents, auth=(USER, "open/sesame"), timeout=10).json().get("count") == 1)
            similar = f"{system.search_url}/products/42/similar"
            assert requests.get(similar, timeout=30).status_code == 403
            assert requests.get(similar, headers={"x-api-key": "opensesame"}, timeout=30).json()["hits"] == []


def test_a_system_that_fails_half_way_says_why_and_leaves_no_process(folder: Path, elasticsearch_url: str, alias: str) -> None:
    before = descendants(os.getpid())
    with (
        pytest.raises(Failure, match=r"(?s)does not start.*no_such_model.*log is") as failed,
        LocalSystem("no_such_model", MODELS, folder, alias=alias, elasticsearch_url=elasticsearch_url),
    ):
        pass
    assert "stackTrace" not in str(failed.value)
    assert descendants(os.getpid()) == before


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "cannot be reached"),
        ("localhost:9200", "scheme"),
        ("nonsense", "scheme"),
        ("http://user:word@127.0.0.1:1", "cannot be reached"),
    ],
)
def test_an_elasticsearch_that_cannot_be_used_is_told_with_its_address_before_anything_starts(folder: Path, url: str, reason: str) -> None:
    system = LocalSystem("no_such_model", MODELS, folder, elasticsearch_url=url)

    with pytest.raises(Failure, match=rf"Elasticsearch at {url.replace('user:word@', '')} cannot be used: .*{reason}"), system:
        pass
    assert not system.functions


def test_an_elasticsearch_that_wants_a_password_is_told_so(folder: Path) -> None:
    refusal = {"error": {"type": "security_exception", "reason": "missing authentication credentials"}, "status": 401}
    headers = {"X-Elastic-Product": "Elasticsearch"}
    with (
        LoopbackServer(lambda request: Response(json.dumps(refusal), 401, headers, content_type="application/json")) as server,
        pytest.raises(Failure, match="cannot be used: Elasticsearch refuses our credentials"),
        LocalSystem("no_such_model", MODELS, folder, elasticsearch_url=server.url),
    ):
        pass


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_the_system_however_it_ends(
    model: str, folder: Path, elasticsearch_url: str, alias: str, ending: signal.Signals
) -> None:
    program = f"""
import pathlib, signal, time
from infra.local.loopback import LoopbackServer
from infra.local.system import LocalSystem
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
with LocalSystem({model!r}, pathlib.Path({str(MODELS)!r}), pathlib.Path({str(folder)!r}), alias={alias!r},
                 elasticsearch_url={elasticsearch_url!r}, say=lambda said: None):
    print("serving", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"serving\n"
        started = descendants(parent.pid)
        assert len(started) >= 5
        parent.send_signal(ending)
    for pid in started:
        wait_until_gone(pid)


def _picture() -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    Image.linear_gradient("L").convert("RGB").save(content, "png")
    return content.getvalue()
