"""Builds what every function needs: settings, Elasticsearch, secrets; each lazily, once per process."""

import os
from collections.abc import Callable
from functools import cache, cached_property, partial

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.client import connect
from lookalike.errors import Misconfigured
from lookalike.keys import KeyPatterns
from lookalike.settings import Settings

_TRIES = {"mode": "standard", "total_max_attempts": 3}
AWS_CONFIG = Config(connect_timeout=2, read_timeout=8, retries=_TRIES, max_pool_connections=32, signature_version="s3v4")  # type: ignore[arg-type]


class Wiring:
    """Builds adapters and use cases from the settings; a subclass in a module of its own for each function imports only what it needs.

    Args:
        settings: by default those of the environment.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.load(os.environ)
        self._logger = Logger()

    @cached_property
    def elasticsearch(self) -> Elasticsearch:
        """The client, with the secret's credentials."""
        return connect(self.settings.elasticsearch_url, self._secret, self.settings.elasticsearch_ca, self._new_secret, self._request_id)

    def _request_id(self) -> str | None:
        """The request id in the log: API Gateway's for a request, Lambda's for a batch."""
        keys = self._logger.get_current_keys()
        return keys.get("correlation_id") or keys.get("function_request_id")

    @cached_property
    def keys(self) -> KeyPatterns:
        """The patterns by which the keys of objects contain product ids."""
        return KeyPatterns(self.settings.key_patterns)

    @cached_property
    def _secret(self) -> str | None:
        arn = self.settings.elasticsearch_secret_arn
        return secret(arn) if arn else None

    @property
    def _new_secret(self) -> Callable[[], str] | None:
        arn = self.settings.elasticsearch_secret_arn
        return partial(secret, arn, True) if arn else None


SECRET_AGE_S = 300
"""How long a secret's value is cached, in seconds."""


@cache
def _secrets() -> parameters.SecretsProvider:
    return parameters.SecretsProvider(boto_config=AWS_CONFIG)


def secret(arn: str, is_fresh: bool = False) -> str:
    """A secret's text. Raises `Misconfigured` if it cannot be read."""
    try:
        return str(_secrets().get(arn, force_fetch=is_fresh, max_age=SECRET_AGE_S))
    except (parameters.GetParameterError, ClientError, BotoCoreError) as error:
        raise Misconfigured(f"the secret {arn!r} cannot be read: {error}") from error
