"""The environment, read once into one frozen object."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from lookalike.domain import MAX_OVERSAMPLE, IndexOptions, IndexType
from lookalike.errors import Misconfigured, RequestInvalid
from lookalike.keys import DEFAULT_PATTERNS, KeyPatterns

PREFIX = "LOOKALIKE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a function. Each field is the environment variable ``LOOKALIKE_`` + its name in capitals.

    The endpoints of AWS services are not among them: boto3 reads ``AWS_ENDPOINT_URL`` and similar variables itself.
    """

    elasticsearch_url: str
    """URL of the shop's Elasticsearch; several nodes separated by commas."""
    elasticsearch_secret_arn: str | None = None
    """Secrets Manager secret with ``api_key``, or ``username`` and ``password``; none for an open server."""
    elasticsearch_ca: str | None = None
    """PEM text of the certificate authority, if it is not a public one."""
    source_url: str | None = None
    """URL of another cluster that backfills read with a secret; the secret is sent nowhere else."""
    source_secret_arn: str | None = None
    """Secrets Manager secret for ``source_url``, in the same form as Elasticsearch's."""
    source_bucket: str | None = None
    """Another bucket that backfills read from, and whose pictures answers link to."""
    alias: str = "lookalike"
    """Alias of the index that is searched, in lower case, as Elasticsearch requires."""
    models: Path = Path("/opt/models")
    """Folder with one sub-folder for each model, named by the model's id."""
    model: str = "inception_resnet_v2"
    """Id of the model for the first index; later indices name their own model."""
    index_shards: int = 1
    """Primary shards of a new index."""
    index_replicas: int | None = None
    """Replicas of a new index; by default one if there are two nodes, none on a single node."""
    index_type: IndexType = "bbq_hnsw"
    """How a new index stores and searches vectors: ``index_options.type`` of a ``dense_vector`` field."""
    index_oversample: float = 3.0
    """Searches of a new index rescore this many times k candidates with the full vectors."""
    index_merge: bool = True
    """Whether the index is merged into few segments, for faster searches, after a backfill that read its whole source."""
    bucket: str | None = None
    """Name of the bucket to which pictures are uploaded."""
    key_patterns: tuple[str, ...] = DEFAULT_PATTERNS
    """Patterns of the keys of pictures in the bucket, separated by commas, such as ``products/{product_id}/*``."""
    uploads_queue_url: str | None = None
    """Queue that `on_upload` reads."""
    products_queue_url: str | None = None
    """Queue that `index_products` reads."""
    backfill_queue_url: str | None = None
    """Queue of the backfill's slices."""
    first_retry_delay_s: int = 10
    """Seconds until a product or message with a transient error is tried again; doubled each time."""
    private_image_origins: frozenset[str] = frozenset()
    """``host:port`` pairs, separated by commas, from which pictures may be fetched although their addresses are private."""
    image_ca: str | None = None
    """PEM text of a certificate authority that is trusted for pictures' servers, besides the public ones."""
    image_headers_secret_arn: str | None = None
    """Secrets Manager secret with HTTP headers by picture host: ``{"cdn.example": {"Authorization": "…"}}``."""
    placeholder_hashes: frozenset[str] = frozenset()
    """Perceptual hashes, separated by commas, of placeholder pictures, which searches leave out; the command `report` finds them."""
    public_s3_endpoint: str | None = None
    """S3 endpoint that clients can reach, for presigned URLs; by default that of AWS."""
    presigned_url_expiry_s: int = 3600
    """Seconds for which a presigned URL is valid, an hour at most."""
    allowed_origin: str = "*"
    """The web origin whose pages may call the HTTP API, ``*`` for any."""

    @property
    def index_options(self) -> IndexOptions:
        """The index options of new indices."""
        return IndexOptions(self.index_shards, self.index_replicas, self.index_type, self.index_oversample)

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads the variables. Raises `Misconfigured`, naming every variable that is missing or wrong, not only the first."""
        values: dict[str, Any] = {}
        faults = []
        for name, read in _READERS.items():
            text = environment.get(PREFIX + name.upper(), "").strip()
            if not text:
                continue
            try:
                values[name] = read(text)
            except ValueError as fault:
                faults.append(f"{PREFIX}{name.upper()} {fault}")
        if "elasticsearch_url" not in values and not any("ELASTICSEARCH_URL" in fault for fault in faults):
            faults.append(f"{PREFIX}ELASTICSEARCH_URL is missing: the address of your Elasticsearch")
        if faults:
            raise Misconfigured("; ".join(faults))
        return cls(**values)


def _urls(text: str) -> str:
    if not all(url.strip().startswith(("http://", "https://")) for url in text.split(",")):
        raise ValueError(f"is {text!r}: it must begin with http:// or https://")
    return text


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(origin.strip().lower() for origin in text.split(",") if origin.strip())
    for origin in origins:
        host, _, port = origin.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"has {origin!r}: write each origin as host:port")
    return origins


def _hashes(text: str) -> frozenset[str]:
    hashes = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
    for each in hashes:
        if not re.fullmatch("[0-9a-f]{64}", each):
            raise ValueError(f"has {each!r}: a perceptual hash is 64 hex digits")
    return hashes


def _integer(text: str, *, least: int, most: int, unit: str = "") -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"is {text!r}: it must be {least} to {most}{unit}")
    return int(text)


def _key_patterns(text: str) -> tuple[str, ...]:
    patterns = tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())
    try:
        return tuple(KeyPatterns(patterns).patterns)
    except RequestInvalid as error:
        raise ValueError(f"is {text!r}: {error}") from error


_seconds = partial(_integer, unit=" seconds")


def _index_type(text: str) -> IndexType:
    if text not in get_args(IndexType):
        raise ValueError(f"is {text!r}: it must be one of {', '.join(get_args(IndexType))}")
    return cast(IndexType, text)


def oversample(text: str) -> float:
    """How many times k are rescored. Raises `ValueError` unless it is a number from 1 to `MAX_OVERSAMPLE`."""
    number = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 1 <= number <= MAX_OVERSAMPLE:
        raise ValueError(f"is {text!r}: it must be a number from 1 to {MAX_OVERSAMPLE}")
    return number


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"is {text!r}: it must be true or false")
    return text.lower() == "true"


_READERS: dict[str, Callable[[str], Any]] = {
    **{setting.name: str for setting in fields(Settings)},
    "elasticsearch_url": _urls,
    "alias": str.lower,
    "models": Path,
    "key_patterns": _key_patterns,
    "index_shards": partial(_integer, least=1, most=1024),
    "index_replicas": partial(_integer, least=0, most=20),
    "index_type": _index_type,
    "index_oversample": oversample,
    "index_merge": _yes_or_no,
    "first_retry_delay_s": partial(_seconds, least=0, most=900),
    "private_image_origins": _origins,
    "placeholder_hashes": _hashes,
    "presigned_url_expiry_s": partial(_seconds, least=1, most=3600),
}
