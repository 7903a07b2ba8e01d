"""Elasticsearch's inference endpoints of the task type ``embedding``, for pictures and text.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-inference-embedding
"""

import base64
from collections.abc import Sequence
from urllib.parse import quote

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.errors import Misconfigured, PictureUnusable, RequestInvalid, TransientError

HEADERS = {"accept": "application/json", "content-type": "application/json"}


class InferenceEndpoint:
    """Requests embeddings from an endpoint; the client retries throttled requests."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._client = client
        self._name = name

    def ask(self, subject: bytes | str) -> Sequence[float]:
        """The embedding of a JPEG file or of a text; raises as `lookalike.remote.Ask`."""
        if isinstance(subject, str):
            content = {"type": "text", "format": "text", "value": subject}
        else:
            content = {"type": "image", "format": "base64", "value": f"data:image/jpeg;base64,{base64.b64encode(subject).decode()}"}
        path = f"/_inference/embedding/{quote(self._name, safe='')}"
        with translate_errors():
            try:
                answer = self._client.perform_request("POST", path, headers=HEADERS, body={"input": [{"content": content}]})
            except NotFoundError as error:
                raise Misconfigured(f"Elasticsearch has no inference endpoint {self._name!r} of the type embedding: {error}") from error
            except BadRequestError as error:
                refused = f"the inference endpoint {self._name!r} refuses it: {error}"
                raise (RequestInvalid(refused, field="text") if isinstance(subject, str) else PictureUnusable(refused)) from error
            except ApiError as error:
                if error.status_code == 500:  # what is behind the endpoint fails
                    raise TransientError(f"the inference endpoint {self._name!r} fails: {error}", retry_after_s=10) from error
                if error.status_code == 403:
                    wanted = "the key in ElasticsearchSecretArn needs the cluster privilege monitor_inference"
                    raise Misconfigured(f"the inference endpoint {self._name!r} may not be used: {wanted}: {error}") from error
                raise
        [first] = answer.body["embeddings"]
        numbers: Sequence[float] = first["embedding"]
        return numbers
