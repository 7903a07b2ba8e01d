"""The environment, read once into one frozen object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from lookalike.errors import Misconfigured

PREFIX = "LOOKALIKE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function knows of where it runs. Each field is the variable ``LOOKALIKE_`` + its name in capitals.

    The places of AWS services are not among them: boto3 reads ``AWS_ENDPOINT_URL`` and its like by itself.
    """

    elasticsearch_url: str
    """Address of the shop's Elasticsearch, several separated by commas."""
    elasticsearch_secret_arn: str | None = None
    """Secrets Manager secret with ``api_key``, or ``username`` and ``password``; none for an open server."""
    elasticsearch_ca: str | None = None
    """PEM text of the certificate authority, where the server's is not a public one."""
    alias: str = "lookalike"
    """Alias of the index that is searched."""
    models: Path = Path("/opt/models")
    """Folder with one sub-folder a model, named by the model's id."""
    model: str = "inception_resnet_v2"
    """Model of the first index; a later index names its own."""
    index_definitions: Path = Path("/opt/elasticsearch")
    """Folder of the indices' settings and mappings."""
    bucket: str | None = None
    """The bucket of pictures."""
    products_queue_url: str | None = None
    """Queue that `index_products` reads."""
    backfill_queue_url: str | None = None
    """Queue of the backfill's slices."""
    first_retry_delay_s: int = 10
    """How long a product waits that failed for a passing reason; twice as long each time."""
    private_image_origins: frozenset[str] = frozenset()
    """``host:port`` pairs, separated by commas, from which pictures may be fetched though the address is private."""
    public_s3_endpoint: str | None = None
    """Address under which clients reach S3, for presigned URLs; by default AWS's own."""
    presigned_url_expiry_s: int = 3600
    """How long a presigned URL works, an hour at most."""
    allowed_origin: str = "*"
    """The web origin whose pages may call the HTTP API, ``*`` for any."""

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads the variables.

        Raises:
            Misconfigured: naming every variable that is missing or wrong, not only the first.
        """
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


def _seconds(text: str, *, least: int, most: int) -> int:
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"is {text!r}: it must be {least} to {most} seconds")
    return int(text)


_READERS: dict[str, Callable[[str], Any]] = {
    **{setting.name: str for setting in fields(Settings)},
    "elasticsearch_url": _urls,
    "models": Path,
    "index_definitions": Path,
    "first_retry_delay_s": partial(_seconds, least=0, most=900),
    "private_image_origins": _origins,
    "presigned_url_expiry_s": partial(_seconds, least=1, most=3600),
}
