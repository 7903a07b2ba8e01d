"""The local system with a proxy between its functions and everything that they ask, and what a shop does with it."""

import hashlib
import io
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from elasticsearch import Elasticsearch, helpers
from PIL import Image

from infra.demo.image_server import ImageServer
from infra.local import aws, invocation
from infra.local.system import LocalSystem
from layers.models import export
from tests.toxiproxy.server import Proxy, Toxiproxy

MODEL = "efficientnet_lite0"
MODELS = Path("build/models")
VISIBILITY_TIMEOUT_S = 15
MAX_RECEIVES = 30
"""What is killed all the time needs more tries than a deployed queue gives."""


class Pictures(dict[str, Path]):
    """Pictures that are drawn when they are asked for: ``NUMBER.jpg`` is different for each number."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def get(self, name: str, default: Any = None) -> Any:
        path = self._folder / name
        if not path.exists() and Path(name).stem.isdecimal():
            path.write_bytes(picture(int(Path(name).stem)))
        return path if path.exists() else default


def picture(number: int) -> bytes:
    """A JPEG of soft colours."""
    pixels = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((96, 96), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@dataclass(eq=False)
class ProxiedSystem(LocalSystem):
    """Its functions reach Elasticsearch and AWS through proxies; pollers and tests do not."""

    toxiproxy: Toxiproxy = field(kw_only=True)

    @cached_property
    def proxies(self) -> dict[str, Proxy]:
        """By what is behind each."""
        servers = {"elasticsearch": self.elasticsearch_url, "aws": self.aws_url}
        return {name: self.toxiproxy.proxy(name, urlsplit(url).netloc) for name, url in servers.items()}

    def _environment(self) -> dict[str, str]:
        found = super()._environment()
        for url, proxy in ((self.elasticsearch_url, self.proxies["elasticsearch"]), (self.aws_url, self.proxies["aws"])):
            found = {name: value.replace(urlsplit(url).netloc, proxy.origin) for name, value in found.items()}
        return found


class Rig:
    """The running system, its proxies, and clients that go around them."""

    def __init__(self, system: ProxiedSystem, images: Proxy) -> None:
        self.system = system
        self.elasticsearch = Elasticsearch(system.elasticsearch_url, request_timeout=60)
        self.s3 = aws.session().client("s3", endpoint_url=system.aws_url)
        self.sqs = aws.session().client("sqs", endpoint_url=system.aws_url)
        self.proxies = system.proxies | {"images": images}
        self._invoke = invocation.through(invocation.client(system.lambda_url))

    def url(self, number: int) -> str:
        """A picture's address, behind the proxy."""
        return f"http://{self.proxies['images'].origin}/{number}.jpg"

    def upload(self, product_id: str, number: int, revision: str) -> None:
        """Puts an object; S3 has acknowledged it when this returns."""
        self.s3.put_object(
            Bucket=self.system.bucket, Key=f"images/{product_id}/a.jpg", Body=picture(number), Metadata={"revision": revision}
        )

    def remove_upload(self, product_id: str) -> None:
        """Deletes an object."""
        self.s3.delete_object(Bucket=self.system.bucket, Key=f"images/{product_id}/a.jpg")

    def post(self, message: Mapping[str, Any]) -> None:
        """Posts to the products queue; SQS has acknowledged it when this returns."""
        self.sqs.send_message(QueueUrl=self.system.resources.products.url, MessageBody=json.dumps(message))

    def product(self, product_id: str, number: int, revision: str) -> dict[str, Any]:
        """A product as the products queue and the source have it."""
        return {"product_id": product_id, "image_urls": [self.url(number)], "attributes": {"revision": revision}}

    def fill_source(self, index: str, products: Sequence[Mapping[str, Any]]) -> None:
        """Makes the index that a backfill reads."""
        mappings = {"properties": {"product_id": {"type": "keyword"}}}
        self.elasticsearch.indices.create(index=index, mappings=mappings)
        helpers.bulk(self.elasticsearch, [{"_index": index, **product} for product in products], refresh=True)

    def command(self, action: str, **more: Any) -> dict[str, Any]:
        """Has the backfill function carry out a command; raises CommandRefused or FunctionFailed."""
        return invocation.command(self._invoke, {"action": action, **more})

    def kill(self, function: str) -> None:
        """SIGKILL to a function's processes, in the middle of whatever they do."""
        for pid in self.system.functions[f"lookalike-{function}"].pids:
            os.kill(pid, signal.SIGKILL)

    def own_indices(self) -> list[str]:
        """The indices of pictures, behind the alias."""
        return list(self.elasticsearch.indices.get(index=self.system.alias, features=["aliases"], ignore_unavailable=True))

    def messages(self) -> int:
        """How many messages are waiting, delayed or being worked on, in all three queues."""
        resources = self.system.resources
        return sum(self._count(queue.url) for queue in (resources.uploads, resources.products, resources.backfill))

    def dead_letters(self) -> int:
        """How many messages were given up, in all three queues."""
        resources = self.system.resources
        return sum(self._count(queue.dead_letter_url) for queue in (resources.uploads, resources.products, resources.backfill))

    def found(self, prefix: str) -> dict[str, set[tuple[str, str]]]:
        """What the index holds: product id -> SHA-256 and revision of each of its pictures."""
        self.elasticsearch.indices.refresh(index=self.system.alias)
        query = {"query": {"prefix": {"product_id": prefix}}}
        found: dict[str, set[tuple[str, str]]] = {}
        for hit in helpers.scan(self.elasticsearch, index=self.system.alias, query=query):
            source = hit["_source"]
            found.setdefault(source["product_id"], set()).add((source["content_sha256"], source["attributes"].get("revision", "")))
        return found

    def wrong_mappings(self) -> list[str]:
        """Fields of the system's indices that Elasticsearch guessed, as it does where a write makes an index."""
        wanted = {self.system.alias: ("image_vector", "dense_vector"), f"{self.system.alias}-outcomes": ("state", "keyword")}
        found = {
            (name, field_name): index["mappings"]["properties"].get(field_name, {}).get("type")
            for name, (field_name, _) in wanted.items()
            for index in self.elasticsearch.indices.get(index=name, features=["mappings"], ignore_unavailable=True).values()
        }
        return [
            f"{name}: {field_name} is {found_type}" for (name, field_name), found_type in found.items() if found_type != wanted[name][1]
        ]

    def told(self, prefix: str) -> dict[str, str]:
        """The failures that are recorded with a reason: product id -> reason."""
        name = f"{self.system.alias}-outcomes"
        self.elasticsearch.indices.refresh(index=name, ignore_unavailable=True)
        query = {"query": {"bool": {"filter": [{"prefix": {"product_id": prefix}}, {"term": {"state": "failed"}}]}}}
        hits = helpers.scan(self.elasticsearch, index=name, query=query, ignore_unavailable=True)
        return {hit["_source"]["product_id"]: hit["_source"]["reason"] for hit in hits if hit["_source"]["reason"]}

    def returns(self, offsets: Mapping[str, int]) -> list[tuple[int, dict[str, int]]]:
        """How many messages the workers gave back, and their reasons, by the lines of their logs behind the offsets."""
        lines = (line for name, offset in offsets.items() for line in _new_lines(self.system.functions[name].log, offset))
        reports = (json.loads(line) for line in lines if line.startswith("{") and '"returned":' in line)
        return [(report["returned"], report["reasons"]) for report in reports if report["returned"]]

    def log_offsets(self) -> dict[str, int]:
        """How long the logs of the workers are."""
        workers = ("lookalike-on-upload", "lookalike-index-products")
        return {name: self.system.functions[name].log.stat().st_size for name in workers}

    def _count(self, queue_url: str) -> int:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        return sum(int(count) for name, count in attributes.items() if name.startswith("ApproximateNumberOfMessages"))


def _new_lines(log: Path, offset: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace").splitlines()


def sha256(number: int) -> str:
    """Of a picture's bytes."""
    return hashlib.sha256(picture(number)).hexdigest()


def wait_until_quiet(rig: Rig, within_s: float) -> float:
    """Returns when no message is left, with the seconds that it took; raises TimeoutError if some are left for too long."""
    began = time.monotonic()
    quiet = 0
    while quiet < 2:
        if time.monotonic() > began + within_s:
            raise TimeoutError(f"{rig.messages()} messages are still in the queues after {within_s:g} s")
        time.sleep(0.3)
        quiet = quiet + 1 if rig.messages() == 0 else 0
    return time.monotonic() - began


@contextmanager
def running(folder: Path, *, elasticsearch_url: str = "", alias: str = "chaos") -> Iterator[Rig]:
    """Starts everything; Elasticsearch can be killed where it is not a server that somebody else started."""
    folder.mkdir(exist_ok=True)
    export.ensure(MODEL, MODELS, print)
    with ExitStack() as stack:
        toxiproxy = stack.enter_context(Toxiproxy(folder / "toxiproxy.log"))
        (folder / "pictures").mkdir()
        server = stack.enter_context(ImageServer(Pictures(folder / "pictures")))
        images = toxiproxy.proxy("images", server.origin)
        system = ProxiedSystem(
            MODEL,
            MODELS,
            folder / "system",
            alias=alias,
            elasticsearch_url=elasticsearch_url,
            private_image_origins=[images.origin],
            visibility_timeout_s=VISIBILITY_TIMEOUT_S,
            max_receive_count=MAX_RECEIVES,
            first_retry_delay_s=1,
            toxiproxy=toxiproxy,
        )
        yield Rig(stack.enter_context(system), images)
