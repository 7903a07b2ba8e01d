"""Commands from the AWS CLI, and the fan-out's own slices through SQS."""

from collections.abc import Callable
from typing import Any, assert_never

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.backfilling import Backfilling
from lookalike.errors import LookalikeError

from functions.backfill import commands
from functions.validation import parsed

logger = Logger()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(backfilling: Backfilling) -> Handler:
    """The function's handler."""

    @logger.inject_lambda_context
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        if "Records" in event:
            failed = [record.message_id for record in SQSEvent(event).records if not _is_done(backfilling, record)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
        try:
            return _carry_out(backfilling, commands.read(event))
        except LookalikeError as error:
            logger.warning("command_refused", code=error.code, reason=str(error), field=error.field)
            return {"error": _described(error, context.aws_request_id)}

    return handler


def _carry_out(backfilling: Backfilling, command: commands.Command) -> dict[str, Any]:
    match command:
        case commands.Start():
            backfill = backfilling.start(command.source.spec())
            logger.info("backfill_started", backfill_id=backfill.backfill_id, run=backfill.run, products=backfill.total)
            return {"backfill_id": backfill.backfill_id, "products": backfill.total}
        case commands.Status():
            return backfilling.status(command.backfill_id)
        case commands.Slice():
            backfilling.read_slice(command.backfill_id, command.slice)
            return {}
        case _:
            assert_never(command)


def _is_done(backfilling: Backfilling, record: SQSRecord) -> bool:
    """Carries out a message; one that cannot be now comes back, and ends among the dead letters if it never can."""
    try:
        _carry_out(backfilling, commands.read(parsed(record.body, field="body")))
    except LookalikeError as error:
        logger.error("message_failed", message_id=record.message_id, code=error.code, reason=str(error))
        return False
    return True


def _described(error: LookalikeError, request_id: str) -> dict[str, Any]:
    described = {"code": error.code, "message": str(error), "request_id": request_id}
    return described | {"field": error.field} if error.field else described
