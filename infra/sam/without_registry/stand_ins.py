"""The three images that come from registries: pulled where that is possible, else made here under the same names."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from infra.local.child_process import Failure
from infra.local.elasticsearch import distribution
from infra.sam.without_registry.engine import SCRIPTS, Engine, engine, install, is_debian_and_root
from layers.models.export import Say

RECIPES = SCRIPTS / "stand_ins"
DEBIAN = "trixie"
"""It has Python 3.13, OpenJDK 25, and Docker's compose and buildx as plugins."""
BASE = f"lookalike-debian:{DEBIAN}"
LABEL = "lookalike.stand-in"
"""Only stand-ins have it; its value is the checksum of the recipe that they were made by."""

REGISTRY_ANSWERS_WITHIN_S = 5
MOTO = "moto[s3,secretsmanager,server,sqs]==5.2.5"
RUNTIME_CLIENT = "awslambdaric==4.2.2"

ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--kill-child"]
"""Before a command: it, its children and its mounts are gone when it or this process is killed."""

UNPACK_PLUGINS = """cd /tmp && apt-get -qq update && apt-get -qq download docker-compose docker-buildx
for package in *.deb; do dpkg -x $package /x || exit 1; done
cp /x/usr/libexec/docker/cli-plugins/* /plugins"""


@dataclass(frozen=True)
class OfficialImage:
    """An image by its official name, and how its stand-in is made.

    Attributes:
        official: repository, tag and, where it is pinned, digest.
        registry: the host that it is pulled from.
        recipe: folder of the stand-in's Dockerfile.
        wheel: the Python package that the Dockerfile installs; None for Elasticsearch, which it copies.
    """

    official: str
    registry: str
    recipe: str
    wheel: str | None

    @property
    def name(self) -> str:
        """Without the digest, which a stand-in cannot have."""
        return self.official.partition("@")[0]

    @property
    def checksum(self) -> str:
        """Of the recipe and of what it copies."""
        digest = hashlib.sha256((self.wheel or distribution.VERSION).encode())
        for file in sorted((RECIPES / self.recipe).iterdir()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def label(self, found: Engine) -> str | None:
        """The label of its stand-in; empty if the image is the official one, None if there is no image."""
        try:
            return found.docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', self.reference(found))
        except subprocess.CalledProcessError:
            return None

    def reference(self, found: Engine) -> str:
        """The official one if it is there, else the stand-in."""
        return self.official if found.does("image", "inspect", self.official) else self.name


PINNED = "sha256:24e56ef0b1edff7753437ff1af7e9c50b98610738e9877b3a0f37f7d40ac812e"
LAMBDA_BASE = OfficialImage(f"public.ecr.aws/lambda/python:3.13@{PINNED}", "public.ecr.aws", "lambda", RUNTIME_CLIENT)
ELASTICSEARCH = OfficialImage(f"elasticsearch:{distribution.VERSION}", "registry-1.docker.io", "elasticsearch", None)
AWS = OfficialImage("motoserver/moto:5.2.5", "registry-1.docker.io", "moto", MOTO)
IMAGES = (LAMBDA_BASE, ELASTICSEARCH, AWS)


@contextmanager
def engine_with_images(say: Say) -> Iterator[Engine]:
    """An engine that has all three images and `docker compose`. An official image stays; a stand-in gives way to it when it can be pulled.

    Raises:
        Failure: no engine answers and none could be started; or an image, or compose, is not to be had.
    """
    with engine(say) as found:
        try:
            for image in IMAGES:
                _ensure(image, found, say)
            _ensure_compose(found, say)
        except subprocess.CalledProcessError as error:
            raise Failure(f"{' '.join(map(str, error.cmd))} failed:\n{(error.stderr or '').strip()[-2000:]}") from error
        yield found


def _ensure(image: OfficialImage, found: Engine, say: Say) -> None:
    label = image.label(found)
    if (label == "" and image.reference(found) == image.official) or _pulled(image, found, say) or label in ("", image.checksum):
        return
    _ensure_base(found, say)
    say(f"Making a stand-in for {image.name}")
    cache = distribution.default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-", dir=cache) as folder:
        shutil.copytree(RECIPES / image.recipe, folder, dirs_exist_ok=True)
        if image.wheel:
            _download_wheels(image.wheel, Path(folder, "wheels"))
        else:
            home = distribution.ensure(cache, say).home
            shutil.copytree(home, Path(folder, "distribution"), ignore=shutil.ignore_patterns("jdk", "jdk.app"))
        found.docker("build", "--quiet", "--label", f"{LABEL}={image.checksum}", "--tag", image.name, folder)


def _pulled(image: OfficialImage, found: Engine, say: Say) -> bool:
    try:
        requests.get(f"https://{image.registry}/v2/", timeout=REGISTRY_ANSWERS_WITHIN_S)
        say(f"Pulling {image.official}")
        found.docker("pull", "--quiet", image.official)
    except requests.RequestException:
        say(f"{image.registry} cannot be reached: {image.name} is a stand-in")
        return False
    except subprocess.CalledProcessError as error:
        say(f"{image.name} cannot be pulled ({error.stderr.strip()}): a stand-in is taken")
        return False
    return True


def _download_wheels(requirement: str, folder: Path) -> None:
    """For Python 3.13, by this machine's pip, whose settings then need not go into the container."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    platforms = [f"--platform={tag}_x86_64" for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
    target = ["--python-version=3.13", "--implementation=cp", f"--dest={folder}", requirement]
    subprocess.run([*command, *platforms, *target], check=True, capture_output=True, text=True)  # noqa: S603


def _ensure_base(found: Engine, say: Say) -> None:
    """Debian as an image, which all stand-ins begin with."""
    if found.does("image", "inspect", BASE):
        return
    if not is_debian_and_root():
        raise Failure("Stand-ins are made with debootstrap, which takes Debian and root")
    install(["debootstrap"], say)
    say(f"Making a minimal Debian {DEBIAN} with debootstrap (about a minute)")
    command = [*ENDS_WITH_US, "bash", str(SCRIPTS / "debian.sh"), BASE, DEBIAN]
    subprocess.run(command, env=found.whole_environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _ensure_compose(found: Engine, say: Say) -> None:
    """For the private engine, Debian's plugins are unpacked into its configuration."""
    if found.does("compose", "version"):
        return
    if not found.is_private:
        raise Failure("`docker compose` does not work: install Docker's compose plugin, version 2")
    say("Unpacking Docker's compose and buildx plugins from Debian's packages")
    _ensure_base(found, say)
    plugins = f"{found.environment['DOCKER_CONFIG']}/cli-plugins"
    found.docker("run", "--rm", "--volume", f"{plugins}:/plugins", BASE, "sh", "-ec", UNPACK_PLUGINS)
