"""``make demo``: indexes a catalogue through the bucket and by a backfill, shows look-alikes, and serves until Ctrl-C.

Its `Options` are read from the environment: a folder of one's own pictures, a server of one's own, the model, the endpoint's port.
"""

import os
import re
from collections.abc import Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Event

from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from pydantic import BaseModel, Field, ValidationError
from rich.console import Console

from infra.demo.catalogue import Catalogue, drawn_catalogue, folder_catalogue
from infra.demo.demonstration import Demonstration, say_done
from infra.demo.image_server import ImageServer
from infra.demo.indexing import bare_pictures_a_second, sample_pixels
from infra.local.child_process import Failure, ended_by_signals
from infra.local.loopback import free_port
from infra.local.running_system import usual_ports
from infra.local.system import BUILD, SEARCH_PORT, LocalSystem, ensure_models
from layers.models import export, networks

IMAGE_PORT = 8801
MODELS = BUILD / "models"


class Options(BaseModel):
    """What the environment asks for; an empty variable is as good as none."""

    images: Path | None = None
    es_url: str = ""
    model: str = networks.AUTO
    random_weights: int | None = None
    port: int = Field(default=SEARCH_PORT, ge=1, le=65535)
    once: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        """The options, each in the variable of its name. Raises `Failure` if one cannot be read."""
        given = {name: environment.get(name.upper()) for name in cls.model_fields}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError as error:
            first = error.errors()[0]
            raise Failure(f"{str(first['loc'][0]).upper()}={first['input']}: {first['msg']}") from error

    def alias(self, model_id: str) -> str:
        """Catalogues and models do not mix: each pair has an index of its own, which a second run finds again."""
        if self.images is None:
            return f"demo-drawn-{model_id}"
        folder = self.images.resolve()
        name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
        return f"demo-{name}-{blake2b(os.fsencode(folder), digest_size=4).hexdigest()}-{model_id}"


def main() -> None:
    """The command ``python -m infra.demo``."""
    with ended_by_signals(export.ExportFailed):
        run(Options.read(os.environ))


def run(options: Options) -> None:
    """Indexes the catalogue and shows how it is searched, from start to end."""
    console = Console()
    say: export.Say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    catalogue = folder_catalogue(options.images) if options.images else drawn_catalogue(BUILD / "catalogue", say=say)
    say_done(console, _summary(catalogue, options.images))
    model_id = ensure_models(options.model, MODELS, say, options.random_weights)
    with ImageServer(catalogue.pictures, port=free_port(IMAGE_PORT)) as images, _system(options, model_id, images, say) as system:
        demonstration = Demonstration(system, images, catalogue, console)
        indexed, rate = demonstration.index()
        embedder = OpenVinoEmbedder(MODELS / model_id, "THROUGHPUT")
        decodable = [item for item in catalogue if item.product_id in indexed.documents]
        demonstration.compare_speed(rate, bare_pictures_a_second(embedder, sample_pixels(embedder, decodable)))
        demonstration.search(indexed)
        demonstration.write_sheet(indexed, BUILD / "contact-sheet.png")
        demonstration.evaluate(indexed)
        demonstration.show_addresses(indexed)
        if not options.once:
            say("\nServing until Ctrl-C.")
            Event().wait()


def _summary(catalogue: Catalogue, folder: Path | None) -> str:
    categories = {item.attributes["category"] for item in catalogue if "category" in item.attributes}
    what = f"in {folder}, {catalogue.ignored} other files ignored" if folder else "drawn"
    return f"{len(catalogue.items):,} products {what}, {len(categories)} categories"


def _system(options: Options, model_id: str, images: ImageServer, say: export.Say) -> LocalSystem:
    return LocalSystem(
        model_id,
        MODELS,
        BUILD / "demo",
        alias=options.alias(model_id),
        elasticsearch_url=options.es_url,
        private_image_origins=[images.origin],
        ports=usual_ports(say, api=options.port),
        say=say,
    )


if __name__ == "__main__":
    main()
