"""Commands from the AWS CLI, and the fan-out's own slices through SQS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import LookalikeError
from lookalike.fanout import FanOut
from lookalike.mending import Mending
from lookalike.progress import Progress
from lookalike.switching import Switching

from functions.backfill import commands
from functions.validation import parsed

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Backfilling:
    """The use cases behind the commands."""

    fan_out: FanOut
    progress: Progress
    mending: Mending
    switching: Switching


def create(fan_out: FanOut, progress: Progress, mending: Mending, switching: Switching) -> Handler:
    """The function's handler."""
    backfilling = _Backfilling(fan_out, progress, mending, switching)

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


def _carry_out(backfilling: _Backfilling, command: commands.Command) -> dict[str, Any]:
    match command:
        case commands.Start():
            backfill = backfilling.fan_out.start(command.source.spec(), command.index())
            logger.info("backfill_started", backfill_id=backfill.backfill_id, run=backfill.run, products=backfill.total)
            answer = {"backfill_id": backfill.backfill_id, "products": backfill.total}
            return answer | {"into": backfill.into} if backfill.into else answer
        case commands.Slice():
            _read_slice(backfilling.fan_out, command)
            return {}
        case commands.GoOn():
            backfilling.mending.go_on(command.walk())
            return {}
        case commands.Status() | commands.List() | commands.Failures():
            return _answered(backfilling.progress, command)
        case _:
            return _changed(backfilling, command)


def _answered(progress: Progress, question: commands.Status | commands.List | commands.Failures) -> dict[str, Any]:
    match question:
        case commands.Status():
            return progress.status(question.backfill_id)
        case commands.List():
            return progress.list()
        case commands.Failures():
            return progress.failures(question.backfill_id, question.reason, question.size, question.cursor)
        case _:
            assert_never(question)


def _changed(
    backfilling: _Backfilling, command: commands.Retry | commands.Cancel | commands.Switch | commands.RemoveVanished
) -> dict[str, Any]:
    """Carries out what somebody decided about a backfill, and logs it."""
    match command:
        case commands.Retry():
            answer: dict[str, Any] = {"retried": backfilling.mending.retry(command.backfill_id, command.reason)}
        case commands.Cancel():
            backfilling.fan_out.cancel(command.backfill_id)
            answer = {"state": backfilling.progress.state(command.backfill_id)}
        case commands.Switch():
            answer = backfilling.switching.switch(command.backfill_id, force=command.force)
        case commands.RemoveVanished():
            vanished = backfilling.mending.remove_vanished(command.backfill_id, dry_run=command.dry_run)
            answer = {"vanished": vanished, "dry_run": command.dry_run}
        case _:
            assert_never(command)
    logger.info(f"backfill_{command.action}", backfill_id=command.backfill_id, **answer)
    return {"backfill_id": command.backfill_id, **answer}


def _read_slice(fan_out: FanOut, command: commands.Slice) -> None:
    read = fan_out.read_slice(command.backfill_id, command.slice)
    logger.info("slice_read", backfill_id=command.backfill_id, slice=command.slice, products=read.units, is_at_end=read.is_at_end)
    metrics.add_metric("ProductsRead", MetricUnit.Count, read.units)
    metrics.add_metadata("backfill_id", command.backfill_id)
    metrics.flush_metrics()


def _is_done(backfilling: _Backfilling, record: SQSRecord) -> bool:
    """Carries out a message; one that cannot be now comes back, and ends among the dead letters if it never can."""
    try:
        _carry_out(backfilling, commands.read(parsed(record.body, field="body")))
    except LookalikeError as error:
        logger.error("message_failed", message_id=record.message_id, body=record.body, code=error.code, reason=str(error))
        return False
    return True


def _described(error: LookalikeError, request_id: str) -> dict[str, Any]:
    described = {"code": error.code, "message": str(error), "request_id": request_id}
    return described | {"field": error.field} if error.field else described
