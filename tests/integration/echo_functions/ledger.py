"""A function that writes down each message it gets, and fails those whose body says so."""

import json
import os
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    records = event["Records"]
    lines = [json.dumps({"body": record["body"], "tries": record["attributes"]["ApproximateReceiveCount"]}) for record in records]
    with Path(os.environ["LOOKALIKE_TEST_LEDGER"]).open("a") as outcomes:
        outcomes.write("\n".join(lines) + "\n")
    if any("crash" in record["body"] for record in records):
        raise RuntimeError("crash")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records if "fail" in record["body"]]}
