"""A function behind a gateway: answers with the event that it got, or as the request's query says."""

import base64
import json
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    query = event["queryStringParameters"] or {}
    if "sleep_s" in query:
        time.sleep(float(query["sleep_s"]))
    if "raise" in query:
        raise RuntimeError(query["raise"])
    if "malformed" in query:
        return {"body": "no status"}
    if "binary" in query:
        picture = {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True}
        return picture | {"body": base64.b64encode(b"\x89PNG\x00\xff").decode()}
    return {"statusCode": 201, "multiValueHeaders": {"X-Colour": ["red", "blue"]}, "body": json.dumps(event)}
