import hashlib
import io
import os
import platform
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.local.child_process import Failure
from infra.local.elasticsearch import distribution
from infra.local.elasticsearch import server as module
from infra.local.elasticsearch.server import ElasticsearchServer
from infra.local.loopback import LoopbackServer
from tests.integration.processes import descendants, wait_until_gone
from tests.server_folder import server_folder

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("elasticsearch") as made:
        yield made


def test_a_server_keeps_its_indices_over_a_kill_and_has_its_folder_for_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ElasticsearchServer(folder / "first" / "node", heap_mb=512, quick_start=True) as server:
        url = server.url
        assert requests.get(url, timeout=10).json()["version"]["number"] == distribution.VERSION
        requests.put(f"{url}/shop/_doc/1?refresh", json={"colour": "red"}, timeout=30).raise_for_status()
        server.kill()
        assert server.process is None
        server.start()
        assert server.url == url
        assert requests.get(f"{url}/shop/_doc/1", timeout=30).json()["_source"] == {"colour": "red"}
        monkeypatch.setattr(module, "CLOSED_WITHIN_S", 0.5)
        with pytest.raises(Failure, match=r"Another Elasticsearch runs in .*ES_URL"):
            ElasticsearchServer(folder / "first" / "node").start()
        assert server.process
        group = server.process.pid
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    with pytest.raises(Failure, match=r"(?s)console\.log.*(Too small|too small|heap)"):
        ElasticsearchServer(folder, heap_mb=1).start()


def test_a_server_does_not_survive_the_death_of_its_parent(folder: Path) -> None:
    program = f"""
import pathlib, sys, time
from infra.local.elasticsearch.server import ElasticsearchServer
server = ElasticsearchServer(pathlib.Path({str(folder)!r}), heap_mb=512, quick_start=True, say=lambda said: print(said, file=sys.stderr))
server.start()
print('ready', flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as parent:
        assert parent.stdout
        parent.stdout.readline()
        members = descendants(parent.pid)
        assert len(members) >= 2
        parent.send_signal(signal.SIGKILL)
    for pid in members:
        wait_until_gone(pid)


@pytest.fixture
def download_site() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A stand-in for Elastic's download site, with a small archive of the right form; its files can be changed."""
    from werkzeug.wrappers import Request, Response

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("bin/elasticsearch", "jdk/bin/java"):
            entry = tarfile.TarInfo(f"elasticsearch-{distribution.VERSION}/{name}")
            entry.mode = 0o755
            archive.addfile(entry)
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    name = f"/elasticsearch-{distribution.VERSION}-{platform.system().lower()}-{machine}.tar.gz"
    files = {name: packed.getvalue(), f"{name}.sha512": f"{hashlib.sha512(packed.getvalue()).hexdigest()}  x.tar.gz".encode()}

    def answer(request: Request) -> Response:
        return Response(files[request.path]) if request.path in files else Response(status=404)

    with LoopbackServer(answer) as server:
        yield server.url, files


def test_the_official_archive_comes_first_is_checked_and_found_again(tmp_path: Path, download_site: tuple[str, dict[str, bytes]]) -> None:
    url, files = download_site
    said: list[str] = []
    first = distribution.ensure(tmp_path, said.append, site=url)
    assert first.java_home is None
    assert os.access(first.home / "bin" / "elasticsearch", os.X_OK)
    assert any("Downloading" in line for line in said)
    files.clear()
    assert distribution.ensure(tmp_path, said.append, site=url) == first
    assert [entry.name for entry in tmp_path.iterdir()] == [first.home.name]


def test_a_damaged_archive_is_not_used(tmp_path: Path, download_site: tuple[str, dict[str, bytes]]) -> None:
    url, files = download_site
    for name in files:
        if name.endswith(".gz"):
            files[name] += b"x"
    with pytest.raises(Failure, match="sha512"):
        distribution.ensure(tmp_path, print, site=url)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_had_the_message_says_what_to_install(
    tmp_path: Path, download_site: tuple[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, files = download_site
    files.clear()
    monkeypatch.setattr(distribution, "USUAL_JDKS", ())
    said: list[str] = []
    with pytest.raises(Failure, match=r"(?s)JDK 21.*Docker.*ES_URL"):
        distribution.ensure(tmp_path, said.append, site=url, environment={"PATH": str(tmp_path)})
    assert said == ["Elastic's download site cannot be reached; taking the same Elasticsearch 9.4.3 from Maven Central"]


def test_a_jdk_that_is_too_old_or_no_jdk_at_all_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "USUAL_JDKS", ())
    for name, modules in {"old": "jdk.jlink@17.0.2", "runtime-only": "java.base@25", "right": "java.base@25\njdk.jlink@25"}.items():
        java = tmp_path / name / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text(f"#!/bin/sh\nprintf '{modules}\\n'\n".replace("\njdk", "\\njdk"))
        java.chmod(0o755)
    environment = {"ES_JAVA_HOME": str(tmp_path / "absent"), "JAVA_HOME": str(tmp_path / "old"), "PATH": str(tmp_path / "right" / "bin")}
    assert distribution.find_jdk(environment) == tmp_path / "right"
    assert distribution.find_jdk(environment | {"PATH": str(tmp_path / "runtime-only" / "bin")}) is None
