"""Multimodal embeddings of Amazon Bedrock, by ``InvokeModel``: Titan Multimodal Embeddings G1 and Nova Multimodal Embeddings.

Formats: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html,
https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from lookalike.errors import LookalikeError, Misconfigured, PictureUnusable, RequestInvalid, TransientError

_BUSY = frozenset(
    {"ThrottlingException", "ServiceUnavailableException", "InternalServerException", "ModelTimeoutException", "ModelNotReadyException"}
    | {"ServiceQuotaExceededException", "ModelErrorException", "429", "500", "502", "503", "504"}
)


def titan(subject: bytes | str, dimensions: int) -> dict[str, Any]:
    """The body of a request to Titan. A text may have 128 tokens."""
    told = {"inputText": subject} if isinstance(subject, str) else {"inputImage": base64.b64encode(subject).decode()}
    return {**told, "embeddingConfig": {"outputEmbeddingLength": dimensions}}


def nova(subject: bytes | str, dimensions: int) -> dict[str, Any]:
    """The body of a request to Nova: pictures are what is stored, a text is what they are searched by."""
    told: dict[str, Any]
    if isinstance(subject, str):
        told = {"embeddingPurpose": "IMAGE_RETRIEVAL", "text": {"truncationMode": "END", "value": subject}}
    else:
        source = {"bytes": base64.b64encode(subject).decode()}
        told = {"embeddingPurpose": "GENERIC_INDEX", "image": {"format": "jpeg", "source": source}}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {**told, "embeddingDimension": dimensions}}


_BODIES: Mapping[str, Callable[[bytes | str, int], dict[str, Any]]] = {"titan-embed-image": titan, "nova-2-multimodal-embeddings": nova}


def body_of(name: str) -> Callable[[bytes | str, int], dict[str, Any]]:
    """Makes bodies for a model. Raises `Misconfigured` for one of another kind."""
    found = next((body for part, body in _BODIES.items() if part in name), None)
    if found is None:
        raise Misconfigured(f"Bedrock's {name!r} is no model that is known here; the names have {' or '.join(_BODIES)} in them")
    return found


class BedrockModel:
    """Asks a model; the client repeats what is throttled.

    Args:
        client: of the service ``bedrock-runtime``.
        name: id of the model, or of an inference profile.
        dimensions: of the vectors that are wanted.
    """

    def __init__(self, client: Any, name: str, dimensions: int) -> None:
        self._client = client
        self._name = name
        self._dimensions = dimensions
        self._body = body_of(name)

    def ask(self, subject: bytes | str) -> Sequence[float]:
        """The numbers of a JPEG file or of a text; raises as `lookalike.remote.Ask`."""
        body = json.dumps(self._body(subject, self._dimensions))
        try:
            answer = self._client.invoke_model(modelId=self._name, body=body, contentType="application/json", accept="application/json")
            told = json.loads(answer["body"].read())
        except (ClientError, BotoCoreError, ValueError) as error:
            raise self._error_of(error, subject) from error
        if problem := told.get("message"):
            raise _refused(f"{self._name} says: {problem}", subject)
        [first] = told.get("embeddings") or [told]
        numbers: Sequence[float] = first.get("embedding") or ()
        return numbers

    def _error_of(self, error: Exception, subject: bytes | str) -> LookalikeError:
        code = str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""
        if code in _BUSY or (not code and not isinstance(error, NoCredentialsError | NoRegionError)):
            return TransientError(f"Bedrock's {self._name} does not answer now: {error}", retry_after_s=10)
        if code == "ValidationException" and "model" not in str(error).partition("operation:")[2]:
            return _refused(f"Bedrock's {self._name} refuses it: {error}", subject)
        return Misconfigured(f"Bedrock's {self._name} cannot be used: check the parameter BedrockModelArns and the Region: {error}")


def _refused(message: str, subject: bytes | str) -> LookalikeError:
    return RequestInvalid(message, field="text") if isinstance(subject, str) else PictureUnusable(message)
