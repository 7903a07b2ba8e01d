"""``make demo``: a catalogue goes in by both doors, pictures find their look-alikes, and everything keeps serving until Ctrl-C.

Read from the environment: ``IMAGES`` (a folder of one's own pictures), ``ES_URL`` (a server of one's own), ``MODEL`` (by default ``auto``),
``PORT`` (of the search endpoint, if it is free), ``ONCE`` (``1``: stop when all is shown).
"""

import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Event

from lookalike.adapters.openvino_embedder import OpenVinoEmbedder
from rich.console import Console

from infra.local import measurements
from infra.local.catalogue import Catalogue, CatalogueMissing, drawn_catalogue, folder_catalogue
from infra.local.demonstration import Demonstration, picture_name
from infra.local.image_server import ImageServer
from infra.local.loading import CommandRefused, Stalled
from infra.local.loopback import free_port
from infra.local.search_client import SearchRefused
from infra.local.system import AWS_PORT, BUILD, LAMBDA_PORT, SEARCH_PORT, STARTING_FAILS, LocalSystem, preferred_port
from layers.models import export

IMAGE_PORT = 8801


@dataclass(frozen=True, slots=True)
class Options:
    """What the environment asks for."""

    images: Path | None
    elasticsearch_url: str | None
    model: str
    random_weights: int | None
    port: int
    once: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        """The variables; an empty one is as good as none."""
        images = environment.get("IMAGES")
        return cls(
            images=Path(images) if images else None,
            elasticsearch_url=environment.get("ES_URL") or None,
            model=environment.get("MODEL") or "auto",
            random_weights=int(environment["RANDOM_WEIGHTS"]) if environment.get("RANDOM_WEIGHTS") else None,
            port=int(environment.get("PORT") or SEARCH_PORT),
            once=environment.get("ONCE", "") not in ("", "0"),
        )

    def alias(self, model_id: str) -> str:
        """Catalogues and models do not mix: each pair has an index of its own, which a second run finds again."""
        if self.images is None:
            return f"demo-drawn-{model_id}"
        folder = self.images.resolve()
        name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
        return f"demo-{name}-{blake2b(os.fsencode(folder), digest_size=4).hexdigest()}-{model_id}"


def main() -> None:
    """The command."""
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(Options.read(os.environ), console)
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running.")
    except (CatalogueMissing, CommandRefused, SearchRefused, Stalled, *STARTING_FAILS) as error:
        console.print(f"[red]{error}[/]", highlight=False)
        sys.exit(1)


def run(options: Options, console: Console) -> None:
    """The whole demonstration."""
    catalogue = _catalogue(options, console)
    model_id = export.ensure(options.model, BUILD / "models", _say_on(console), options.random_weights)
    pictures = {picture_name(item): item.path for item in catalogue}
    with ImageServer(pictures, port=free_port(IMAGE_PORT)) as images, _system(options, model_id, images, console) as system:
        demonstration = Demonstration(system, images, catalogue, options.alias(model_id), console)
        account, rate = demonstration.index()
        demonstration.report(account, rate, _bare_rate(catalogue, model_id))
        demonstration.search(account)
        demonstration.write_sheet(account, BUILD / "contact-sheet.png")
        demonstration.evaluate(account)
        demonstration.invite()
        if not options.once:
            console.print("\nServing until Ctrl-C.")
            Event().wait()


def _catalogue(options: Options, console: Console) -> Catalogue:
    if options.images is None:
        with console.status("drawing a catalogue"):
            catalogue = drawn_catalogue(BUILD / "catalogue")
        what = "drawn"
    else:
        catalogue = folder_catalogue(options.images)
        what = f"in {options.images}" + (f" ({catalogue.ignored} other files ignored)" if catalogue.ignored else "")
    categories = {item.attributes["category"] for item in catalogue if "category" in item.attributes}
    console.print(f"[green]✓[/] {len(catalogue):,} products {what}, {len(categories)} categories", highlight=False)
    return catalogue


def _system(options: Options, model_id: str, images: ImageServer, console: Console) -> LocalSystem:
    say = _say_on(console)
    return LocalSystem(
        model_id,
        BUILD / "models",
        BUILD / "demo",
        alias=options.alias(model_id),
        elasticsearch_url=options.elasticsearch_url,
        private_image_origins=[images.origin],
        search_port=preferred_port(options.port, "the search endpoint", say),
        lambda_port=preferred_port(LAMBDA_PORT, "the Lambda API", say),
        aws_port=preferred_port(AWS_PORT, "the AWS services", say),
        say=say,
    )


def _say_on(console: Console) -> export.Say:
    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    return say


def _bare_rate(catalogue: Catalogue, model_id: str) -> float:
    embedder = OpenVinoEmbedder(BUILD / "models" / model_id, "THROUGHPUT")
    return measurements.bare_pictures_a_second(embedder, measurements.sample_pixels(embedder, catalogue.items))


if __name__ == "__main__":
    main()
