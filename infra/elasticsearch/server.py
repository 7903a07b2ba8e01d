"""A local Elasticsearch as a child process, without Docker.

``python -m infra.elasticsearch.server`` runs one until Ctrl-C.
"""

import argparse
import base64
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import requests

from infra.elasticsearch import distribution
from infra.elasticsearch.distribution import VERSION, Say
from infra.local.tether import TetheredProcess

READY_WITHIN_S = 180
CLOSED_WITHIN_S = 10
USER = "lookalike"
PLACE_OF_ROOT = Path("/var/lib/lookalike")

SETTINGS_OF_MODULES = {
    "ingest-geoip": "ingest.geoip.downloader.enabled: false",
    "x-pack-ml": "xpack.ml.enabled: false",
    "x-pack-stack": "stack.templates.enabled: false",
}
"""Settings that make the start quicker, each known only to a server that has the module."""


class ServerFailed(Exception):
    """Elasticsearch did not start, or ended; the message has the end of its log."""


class ElasticsearchServer:
    """One node on the loopback interface, for this machine only.

    It ends with the process that started it. Elasticsearch refuses to run as root; root's runs as ``nobody``.

    Args:
        data: folder of its indices, configuration and logs; a second start with the same folder finds the indices again.
        heap_mb: the JVM's heap.
        port: HTTP port; 0 for any that is free. A restart keeps the port of the first start.
        password: switches security on; the user is ``lookalike``, who may do everything.
        cache: folder that the unpacked distribution is kept in.
        say: told what happens.
    """

    def __init__(
        self,
        data: Path,
        *,
        heap_mb: int = 1024,
        port: int = 0,
        password: str | None = None,
        cache: Path | None = None,
        say: Say = print,
    ) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self._cache = cache or default_cache()
        self._folder = data.absolute()
        self._heap_mb = heap_mb
        self._port = port
        self._password = password
        self._say = say
        self._process: TetheredProcess | None = None

    @property
    def url(self) -> str:
        """Where it answers, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def runs(self) -> bool:
        """False also when it ended by itself."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int | None:
        """The process group of the running server."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server answers and its indices are there.

        Raises:
            DistributionMissing: there is no Elasticsearch here and none could be had.
            ServerFailed: it ended, or was not ready in time.
        """
        found = distribution.ensure(self._cache, self._say)
        home = place(self._folder, self._user)
        with (home / "lock").open("ab") as lock:
            _take(lock, self._folder)
            self._configure(home, found.home)
            self._say(f"Starting Elasticsearch {VERSION}, logs in {self._folder / 'logs'}")
            started_at = time.monotonic()
            self._process = self._spawn(found, home, lock)
        try:
            self._wait_until_ready(home, started_at + READY_WITHIN_S)
        except BaseException:
            self.kill()
            raise
        self._say(f"Elasticsearch is ready at {self.url} after {time.monotonic() - started_at:.0f} s")

    def stop(self) -> None:
        """Ends it in order; does nothing if it does not run."""
        if self._process:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Ends it as ``kill -9`` does."""
        if self._process:
            self._process.kill()
            self._process = None

    def _configure(self, home: Path, distribution_home: Path) -> None:
        shutil.copytree(distribution_home / "config", home / "config", dirs_exist_ok=True)
        for folder in ("data", "logs", "tmp"):
            (home / folder).mkdir(exist_ok=True)
        _ports_file(home).unlink(missing_ok=True)
        _console(home).unlink(missing_ok=True)
        modules = {module.name for module in (distribution_home / "modules").iterdir()}
        (home / "config" / "elasticsearch.yml").write_text(_configuration(home, self._port, modules, secured=self._password is not None))
        if self._password is not None:
            (home / "config" / "users").write_text(f"{USER}:{_password_hash(self._password)}\n")
            (home / "config" / "users_roles").write_text(f"superuser:{USER}\n")
        if self._user:
            _hand_over(home, self._user)

    def _spawn(self, found: distribution.Distribution, home: Path, lock: BinaryIO) -> TetheredProcess:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "ES_PATH_CONF": str(home / "config"),
            "ES_TMPDIR": str(home / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{self._heap_mb}m -Xmx{self._heap_mb}m",
        }
        if found.java_home:
            environment["ES_JAVA_HOME"] = str(found.java_home)
        command = [str(found.home / "bin" / "elasticsearch")]
        return TetheredProcess(command, log=_console(home), environment=environment, user=self._user, lock=lock)

    def _wait_until_ready(self, home: Path, deadline: float) -> None:
        assert self._process  # noqa: S101
        while time.monotonic() < deadline:
            if self._process.exit_code is not None:
                raise ServerFailed(f"Elasticsearch ended while it started. {_tail(_console(home))}")
            if self._is_ready(home):
                return
            time.sleep(0.1)
        raise ServerFailed(f"Elasticsearch was not ready after {READY_WITHIN_S} s. {_tail(_console(home))}")

    def _is_ready(self, home: Path) -> bool:
        try:
            self._port = int(_ports_file(home).read_text().splitlines()[0].rpartition(":")[2])
        except (FileNotFoundError, IndexError, ValueError):
            return False
        credentials = (USER, self._password) if self._password is not None else None
        try:
            health = requests.get(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", auth=credentials, timeout=10)
        except requests.RequestException:
            return False
        return health.status_code == 200


def default_cache() -> Path:
    """LOOKALIKE_CACHE, else ``~/.cache/lookalike``; for a root whose home nobody else may enter, ``/var/cache/lookalike``."""
    if os.environ.get("LOOKALIKE_CACHE"):
        return Path(os.environ["LOOKALIKE_CACHE"]).absolute()
    home = Path.home()
    if os.geteuid() == 0 and not _can_be_entered(home):
        return Path("/var/cache/lookalike")
    return home / ".cache" / "lookalike"


def _can_be_entered(folder: Path) -> bool:
    """Whether users who own nothing here come as far as this folder."""
    resolved = folder.resolve()
    return all(step.stat().st_mode & 0o001 for step in (resolved, *resolved.parents))


def place(data: Path, user: str | None) -> Path:
    """The folder ``data``, made if need be.

    Where the other user cannot enter the folders above it (root's home, for example), ``data`` becomes a link to a folder in /var/lib.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    if data.is_symlink() and not data.exists():
        data.unlink()
    if user and not data.is_symlink() and not _can_be_entered(data.parent):
        if data.is_dir():
            data.rmdir()
        PLACE_OF_ROOT.mkdir(parents=True, exist_ok=True)
        data.symlink_to(tempfile.mkdtemp(dir=PLACE_OF_ROOT, prefix="elasticsearch-"))
    data.mkdir(exist_ok=True)
    return data.resolve()


def _take(lock: BinaryIO, folder: Path) -> None:
    """One server a folder. Waits a while: after the death of its parent, a server is still closing its indices."""
    deadline = time.monotonic() + CLOSED_WITHIN_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"Another Elasticsearch runs in {folder}. Stop it, use it with ES_URL, or choose another folder."
                ) from None
            time.sleep(0.1)
        else:
            return


def _hand_over(home: Path, user: str) -> None:
    """Gives the folders to the user who runs the server; what is inside ``data`` that user has written."""
    group = pwd.getpwnam(user).pw_gid
    for path in (home, home / "data", home / "logs", home / "tmp", home / "config", *(home / "config").rglob("*")):
        os.chown(path, pwd.getpwnam(user).pw_uid, group)


def _configuration(home: Path, port: int, modules: set[str], *, secured: bool) -> str:
    settings = [
        "cluster.name: lookalike-local",
        "node.name: local",
        "discovery.type: single-node",
        "network.host: 127.0.0.1",
        f"http.port: {port}",
        "transport.port: 0",
        "node.portsfile: true",
        f"path.data: {home / 'data'}",
        f"path.logs: {home / 'logs'}",
        "cluster.routing.allocation.disk.threshold_enabled: false",
        f"xpack.security.enabled: {str(secured).lower()}",
        *(setting for module, setting in SETTINGS_OF_MODULES.items() if module in modules),
    ]
    return "\n".join(settings) + "\n"


def _password_hash(password: str) -> str:
    """As the file realm reads it: PBKDF2 with HMAC-SHA512, 10,000 rounds, 32 bytes of salt and of key."""
    salt = secrets.token_bytes(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, dklen=32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _ports_file(home: Path) -> Path:
    """Where the node writes the address that it listens on."""
    return home / "logs" / "http.ports"


def _console(home: Path) -> Path:
    return home / "logs" / "console.log"


def _tail(log: Path, most: int = 15) -> str:
    """The last lines but for the steps of Java's stack traces."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if not line.startswith("\t")]
    return f"The end of {log}:\n" + "\n".join(lines[-most:])


def main() -> None:
    """Runs a server until Ctrl-C."""
    arguments = argparse.ArgumentParser(description="A local Elasticsearch, until Ctrl-C.")
    arguments.add_argument("--data", type=Path, default=Path("build/elasticsearch"), help="folder of its indices")
    arguments.add_argument("--port", type=int, default=9200)
    arguments.add_argument("--heap-mb", type=int, default=1024)
    arguments.add_argument("--password", help=f"switch security on; the user is {USER}")
    given = arguments.parse_args()
    server = ElasticsearchServer(given.data, heap_mb=given.heap_mb, port=given.port, password=given.password)
    try:
        with server:
            while server.runs:
                time.sleep(0.5)
            raise ServerFailed(f"Elasticsearch ended. {_tail(_console(given.data))}")
    except KeyboardInterrupt:
        print("Elasticsearch is stopped")
    except (ServerFailed, distribution.DistributionMissing, distribution.DownloadDamaged) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
