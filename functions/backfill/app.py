"""The function that runs backfills: handles commands of the AWS CLI, and messages that it sends to itself through SQS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.backfill.dead_letters import DeadLetters
from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.merge import Merge
from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, MergeWhenFinished, ReadSlice
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.report import Report
from lookalike.backfill.retry_failures import RetryFailures
from lookalike.backfill.switch_alias import SwitchAlias
from lookalike.errors import LookalikeError, TransientError
from lookalike.redelivery import Redeliver
from lookalike.validation import parsed

from functions import batches
from functions.backfill import answers, commands

logger = Logger()
metrics = Metrics()

Handler = Callable[[Any, LambdaContext], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases behind commands and messages."""

    fan_out: FanOut
    progress: Progress
    retry_failures: RetryFailures
    prune: Prune
    merge: Merge
    switch_alias: SwitchAlias
    dead_letters: DeadLetters
    report: Report


def create(use_cases: UseCases, decode: Callable[[Any], BackfillMessage | None], redeliver: Redeliver) -> Handler:
    """Returns the handler of the function.

    Args:
        use_cases: those behind commands and messages.
        decode: decodes a message that the function sent to itself; returns None for other JSON.
        redeliver: has failed messages redelivered soon.
    """

    def dispatch(payload: Any, context: LambdaContext) -> dict[str, Any]:
        return batches.within_time(context, lambda: _dispatch(use_cases, decode, payload))

    @logger.inject_lambda_context
    def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
        if isinstance(event, dict) and isinstance(event.get("Records"), list):
            records = list(SQSEvent(event).records)
            errors = {
                record.message_id: error for record in records if (error := _try_record(lambda body: dispatch(body, context), record))
            }
            reasons = {message_id: f"{error.code}: {error}" for message_id, error in errors.items()}
            poison = {message_id: reason for message_id, reason in reasons.items() if errors[message_id].ending == "drop"}
            return batches.answer(records, reasons, redeliver, poison)
        try:
            return dispatch(event, context)
        except LookalikeError as error:
            logger.warning("command_refused", code=error.code, reason=str(error), field=error.field)
            return {"error": _error_body(error, context.aws_request_id)}

    return handler


def _dispatch(use_cases: UseCases, decode: Callable[[Any], BackfillMessage | None], payload: Any) -> dict[str, Any]:
    message = decode(payload)
    if message is not None:
        _handle_message(use_cases, message)
        return {}
    command = commands.read(payload)
    use_cases.dead_letters.collect()
    return _carry_out(use_cases, command)


def _start(fan_out: FanOut, command: commands.Start) -> dict[str, Any]:
    backfill = fan_out.start(command.source.spec(), command.new_index(), force=command.force)
    logger.info("backfill_started", backfill_id=backfill.backfill_id, run=backfill.run, products=backfill.total)
    _count("BackfillsStarted", 1, backfill.backfill_id)
    answer = {"backfill_id": backfill.backfill_id, "products": backfill.total}
    return answer | {"into": backfill.into} if backfill.into else answer


def _carry_out(use_cases: UseCases, command: commands.Command) -> dict[str, Any]:
    match command:
        case commands.Start():
            return _start(use_cases.fan_out, command)
        case commands.Status() | commands.List() | commands.Failures():
            return _report(use_cases.progress, command)
        case commands.Report():
            return use_cases.report.report(command.size)
        case commands.DeadLetters():
            return answers.dead_letters(use_cases.dead_letters.list(command.queue, command.backfill_id))
        case commands.Redrive():
            answer = use_cases.dead_letters.redrive(command.queue, command.backfill_id)
            logger.info("dead_letters_redriven", **answer)
            return answer
        case _:
            return _change(use_cases, command)


def _report(progress: Progress, question: commands.Status | commands.List | commands.Failures) -> dict[str, Any]:
    match question:
        case commands.Status():
            return progress.status(question.backfill_id)
        case commands.List():
            return progress.list()
        case commands.Failures():
            id_, reason, cursor = question.backfill_id, question.reason, question.cursor
            return answers.page(lambda size: progress.failures(id_, reason, size, cursor), question.size)
        case _:
            assert_never(question)


def _change(use_cases: UseCases, command: commands.Retry | commands.Cancel | commands.Switch | commands.Prune) -> dict[str, Any]:
    """Runs a command that changes a backfill, and logs it."""
    match command:
        case commands.Retry():
            answer: dict[str, Any] = {"retried": use_cases.retry_failures.retry(command.backfill_id, command.reason)}
        case commands.Cancel():
            use_cases.fan_out.cancel(command.backfill_id)
            answer = {"state": use_cases.progress.phase(command.backfill_id).value}
        case commands.Switch():
            answer = use_cases.switch_alias.switch(command.backfill_id, force=command.force)
        case commands.Prune():
            vanished = use_cases.prune.prune(command.backfill_id, dry_run=command.dry_run)
            answer = {"vanished": vanished, "dry_run": command.dry_run}
        case _:
            assert_never(command)
    logger.info(f"backfill_{command.action}", backfill_id=command.backfill_id, **answer)
    return {"backfill_id": command.backfill_id, **answer}


def _handle_message(use_cases: UseCases, message: BackfillMessage) -> None:
    match message:
        case ReadSlice(backfill_id, number):
            _read_slice(use_cases.fan_out, backfill_id, number)
        case ContinueRetry():
            use_cases.retry_failures.resume(message)
        case ContinuePrune():
            use_cases.prune.resume(message)
        case MergeWhenFinished():
            use_cases.merge.resume(message)
        case _:
            assert_never(message)


def _read_slice(fan_out: FanOut, backfill_id: str, number: int) -> None:
    read = fan_out.read_slice(backfill_id, number)
    logger.info("slice_read", backfill_id=backfill_id, slice=number, products=read.items, is_at_end=read.is_at_end)
    _count("ProductsRead", read.items, backfill_id)


def _count(name: str, value: int, backfill_id: str) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
    metrics.add_metadata("backfill_id", backfill_id)
    metrics.flush_metrics()


def _try_record(dispatch: Callable[[Any], object], record: SQSRecord) -> LookalikeError | None:
    """Handles a message; returns the error if it failed."""
    try:
        dispatch(parsed(record.body, field="body"))
    except LookalikeError as error:
        logger.error("message_failed", message_id=record.message_id, body=record.body, code=error.code, reason=str(error))
        return None if isinstance(error, TransientError) and _is_recording(record.body) else error
    return None


def _is_recording(body: str) -> bool:
    """Whether this asks for dead letters to be recorded.

    Such a message need not come back from a failure that passes: the schedule posts the next one soon, and those of a long outage
    would be dead letters themselves.
    """
    try:
        return isinstance(commands.read(parsed(body, field="body")), commands.DeadLetters)
    except LookalikeError:
        return False


def _error_body(error: LookalikeError, request_id: str) -> dict[str, Any]:
    body = {"code": error.code, "message": str(error), "request_id": request_id}
    return body | {"field": error.field} if error.field else body
