"""The three images that come from registries: pulled where that is possible, else made here under the same names.

``python -m infra.local.sam.stand_ins`` does it and lists them.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from infra.elasticsearch import distribution
from infra.elasticsearch.distribution import Say
from infra.elasticsearch.server import default_cache
from infra.local.sam import debian
from infra.local.sam.engine import Engine, EngineMissing, engine, plugins_folder

RECIPES = Path(__file__).with_name("stand_ins")
BASE = f"lookalike-debian:{debian.RELEASE}"
LABEL = "lookalike.stand-in"
"""Only stand-ins have it; its value is the checksum of the recipe that they were made by."""

REGISTRY_ANSWERS_WITHIN_S = 5


class ImageMissing(Exception):
    """An image is not here, cannot be pulled, and no stand-in can be made; the message says why."""


@dataclass(frozen=True)
class OfficialImage:
    """An image by its official name, and how its stand-in is made.

    Attributes:
        name: repository and tag.
        registry: the host that it is pulled from.
        recipe: folder of the stand-in's Dockerfile.
        fetch: puts what the Dockerfile copies into a folder.
        contents: what ``fetch`` fetches, with versions.
    """

    name: str
    registry: str
    recipe: str
    fetch: Callable[[Path, Path, Say], None]
    contents: str


def _wheels(requirement: str) -> Callable[[Path, Path, Say], None]:
    """Wheels for Python 3.13, fetched by this machine's pip, whose settings then need not go into the container."""

    def fetch(folder: Path, _cache: Path, _say: Say) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        platforms = [f"--platform={tag}_x86_64" for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
        target = ["--python-version=3.13", "--implementation=cp", f"--dest={folder / 'wheels'}", requirement]
        subprocess.run([*command, *platforms, *target], check=True, capture_output=True, text=True)  # noqa: S603

    return fetch


def _elasticsearch(folder: Path, cache: Path, say: Say) -> None:
    found = distribution.ensure(cache, say)
    shutil.copytree(found.home, folder / "distribution", ignore=shutil.ignore_patterns("jdk", "jdk.app"))


MOTO = "moto[s3,secretsmanager,server,sqs]==5.2.5"
RUNTIME_CLIENT = "awslambdaric==4.2.2"

LAMBDA_BASE = OfficialImage("public.ecr.aws/lambda/python:3.13", "public.ecr.aws", "lambda", _wheels(RUNTIME_CLIENT), RUNTIME_CLIENT)
ELASTICSEARCH = OfficialImage(
    f"elasticsearch:{distribution.VERSION}", "registry-1.docker.io", "elasticsearch", _elasticsearch, distribution.VERSION
)
AWS = OfficialImage("motoserver/moto:5.2.5", "registry-1.docker.io", "moto", _wheels(MOTO), MOTO)
IMAGES = (LAMBDA_BASE, ELASTICSEARCH, AWS)


def ensure(found: Engine, say: Say, cache: Path | None = None) -> None:
    """Makes sure that all three images are there. An official one stays; a stand-in gives way to the official one when that can be pulled.

    Raises:
        ImageMissing: one is not to be had.
    """
    try:
        for image in IMAGES:
            _ensure(image, found, say, cache or default_cache())
    except subprocess.CalledProcessError as error:
        raise ImageMissing(f"{' '.join(map(str, error.cmd))} failed:\n{(error.stderr or '').strip()[-2000:]}") from error
    except distribution.DistributionMissing as error:
        raise ImageMissing(str(error)) from error


def ensure_compose(found: Engine, say: Say) -> None:
    """Makes sure that `docker compose` works; for the private engine, Debian's plugins are unpacked beside it.

    Raises:
        ImageMissing: the engine is not ours, and its client has no compose.
    """
    if _works(found, "compose", "version"):
        return
    if not found.is_private:
        raise ImageMissing("`docker compose` does not work: install Docker's compose plugin, version 2")
    say("Unpacking Docker's compose and buildx plugins from Debian's packages")
    _ensure_base(found, say)
    folder = plugins_folder(found)
    script = (
        "cd /tmp && apt-get -qq update && apt-get -qq download docker-compose docker-buildx"
        " && for package in *.deb; do dpkg -x $package /x; done && cp /x/usr/libexec/docker/cli-plugins/* /plugins"
    )
    try:
        found.docker("run", "--rm", "--volume", f"{folder}:/plugins", BASE, "sh", "-c", script)
    except subprocess.CalledProcessError as error:
        raise ImageMissing(f"Docker's compose plugin could not be had:\n{error.stderr}") from error


def official(found: Engine, image: OfficialImage) -> bool | None:
    """Whether an image is the official one; None if it is not here."""
    label = _label(found, image)
    return None if label is None else label == ""


def _ensure(image: OfficialImage, found: Engine, say: Say, cache: Path) -> None:
    label = _label(found, image)
    if label == "" or _pulled(image, found, say):
        return
    recipe = _recipe(image)
    if label == recipe:
        return
    _ensure_base(found, say)
    say(f"Making a stand-in for {image.name}")
    with _scratch(cache) as folder:
        shutil.copytree(RECIPES / image.recipe, folder, dirs_exist_ok=True)
        image.fetch(folder, cache, say)
        found.docker("build", "--quiet", "--label", f"{LABEL}={recipe}", "--tag", image.name, str(folder))


def _label(found: Engine, image: OfficialImage) -> str | None:
    """The stand-in's label, empty for an official image, None for an absent one."""
    try:
        return found.docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image.name)
    except subprocess.CalledProcessError:
        return None


def _pulled(image: OfficialImage, found: Engine, say: Say) -> bool:
    try:
        requests.get(f"https://{image.registry}/v2/", timeout=REGISTRY_ANSWERS_WITHIN_S)
    except requests.RequestException:
        say(f"{image.registry} cannot be reached: {image.name} is a stand-in")
        return False
    say(f"Pulling {image.name}")
    try:
        found.docker("pull", "--quiet", image.name)
    except subprocess.CalledProcessError as error:
        say(f"{image.name} cannot be pulled ({error.stderr.strip()}): a stand-in is taken")
        return False
    return True


def _recipe(image: OfficialImage) -> str:
    digest = hashlib.sha256(image.contents.encode())
    for file in sorted((RECIPES / image.recipe).iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _ensure_base(found: Engine, say: Say) -> None:
    """Debian as an image, which all stand-ins begin with."""
    if _works(found, "image", "inspect", BASE):
        return
    if not debian.is_usable():
        raise ImageMissing("Stand-ins are made with debootstrap, which takes Debian and root")
    debian.install(("debootstrap",), say)
    with _scratch(None) as folder:
        debian.bootstrap(folder / "root", say)
        with subprocess.Popen(["tar", "-C", str(folder / "root"), "-c", "."], stdout=subprocess.PIPE) as tar:  # noqa: S603, S607
            subprocess.run(  # noqa: S603
                ["docker", "import", "--change", 'CMD ["bash"]', "-", BASE],  # noqa: S607
                env=found.whole_environment,
                stdin=tar.stdout,
                check=True,
                capture_output=True,
                text=True,
            )


def _works(found: Engine, *arguments: str) -> bool:
    try:
        found.docker(*arguments)
    except subprocess.CalledProcessError:
        return False
    return True


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    """A folder for as long as the block lasts."""
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-", dir=parent) as folder:
        yield Path(folder)


def main() -> None:
    """The command."""
    try:
        with engine(print) as found:
            ensure(found, print)
            ensure_compose(found, print)
            print(found.docker("image", "ls"))
    except (EngineMissing, ImageMissing) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
