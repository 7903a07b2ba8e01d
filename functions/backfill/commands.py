"""Models of the commands that start and control backfills, as JSON."""

import ssl
from typing import Annotated, Any, Literal, get_args

from lookalike.backfill.dead_letters import QueueName
from lookalike.backfill.model import OVERLAP_MINUTES, BucketSpec, CurrentSpec, FieldNames, IndexSpec, Into, SourceSpec
from lookalike.domain import MAX_OVERSAMPLE, IndexType
from lookalike.errors import RequestInvalid
from lookalike.validation import validated
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

Name = Annotated[str, Field(min_length=1, max_length=300)]
MAX_FAILURES = 1000


def _pem(text: str) -> str:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise ValueError("this is no certificate in PEM form: one begins with -----BEGIN CERTIFICATE-----") from error
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FieldsModel(_Strict):
    """The fields of a source document: dotted paths, as in `lookalike.backfill.model.FieldNames`."""

    id: Name | None = None
    image_urls: Name = "image_url"
    attributes: Name | list[Name] | None = None
    base_url: Annotated[str, Field(pattern="^https?://", max_length=2000)] | None = None
    separator: Annotated[str, Field(min_length=1, max_length=10)] | None = None


class SourceModel(_Strict):
    """The source of a backfill: an index of products, a bucket of pictures, or the index behind the alias."""

    index: Name | None = None
    query: dict[str, Any] | None = None
    fields: FieldsModel | None = None
    url: Annotated[str, Field(pattern="^https?://", max_length=2000)] | None = None
    secret_arn: Name | None = None
    ca: Annotated[str, AfterValidator(_pem)] | None = None
    updated_at: Name | None = None
    overlap_minutes: Annotated[int, Field(ge=0, le=100_000)] = OVERLAP_MINUTES
    bucket: Name | None = None
    prefix: Annotated[str, Field(max_length=1024)] | None = None
    current: Literal[True] | None = None

    def spec(self) -> SourceSpec:
        """The source that the backfill reads.

        Raises:
            RequestInvalid: there is no source, more than one, or a field that belongs to another kind of source.
        """
        if self.bucket is not None:
            self._refuse_others("bucket", "prefix")
            return BucketSpec(self.bucket, "images/" if self.prefix is None else self.prefix)
        if self.current is not None:
            self._refuse_others("current")
            return CurrentSpec()
        if self.index is None:
            raise RequestInvalid('give a source: {"index": …}, {"bucket": …} or {"current": true}', field="source.index")
        self._refuse_others("index", "query", "fields", "url", "secret_arn", "ca", "updated_at", "overlap_minutes")
        if self.url is None and (self.secret_arn or self.ca):
            raise RequestInvalid("secret_arn and ca belong to another cluster: give its url too", field="source.url")
        return IndexSpec(
            self.index,
            {"match_all": {}} if self.query is None else self.query,
            _names(self.fields or FieldsModel()),
            url=self.url,
            secret_arn=self.secret_arn,
            ca=self.ca,
            updated_at=self.updated_at,
            overlap_minutes=self.overlap_minutes,
        )

    def _refuse_others(self, *fitting: str) -> None:
        for other in sorted(self.model_fields_set - set(fitting)):
            if getattr(self, other) is not None:
                raise RequestInvalid(f"{other!r} cannot be combined with {fitting[0]!r}", field=f"source.{other}")


def _names(fields: FieldsModel) -> FieldNames:
    attributes = tuple(fields.attributes) if isinstance(fields.attributes, list) else fields.attributes
    return FieldNames(None if fields.id == "_id" else fields.id, fields.image_urls, attributes, fields.base_url, fields.separator)


class IntoModel(_Strict):
    """The new index that a backfill fills: its model, its name, and the index options that differ from the stack's parameters."""

    model: Name
    index: Annotated[Name, Field(pattern=r'^[^-_+.\sA-Z\\/*?"<>|,#:][^\sA-Z\\/*?"<>|,#:]*$')] | None = None
    shards: Annotated[int, Field(ge=1, le=1024)] | None = None
    replicas: Annotated[int, Field(ge=0, le=20)] | None = None
    type: IndexType | None = None
    oversample: Annotated[float, Field(ge=1, le=MAX_OVERSAMPLE)] | None = None

    def into(self) -> Into:
        """The new index as the backfill takes it."""
        return Into(self.model, self.index, self.model_dump(include={"shards", "replicas", "type", "oversample"}, exclude_none=True))


class Start(_Strict):
    """Starts a backfill, or resumes the one that was started with the same request."""

    action: Literal["start"]
    source: SourceModel
    into: IntoModel | None = None
    force: bool = False

    def new_index(self) -> Into | None:
        """The new index to fill; None for the index behind the alias."""
        return self.into.into() if self.into else None


class Status(_Strict):
    """Reports the state, the counts and the rate of a backfill."""

    action: Literal["status"]
    backfill_id: Name


class List(_Strict):
    """Lists the newest backfills."""

    action: Literal["list"]


class Failures(_Strict):
    """Lists failed products, a page at a time: those with one error code, the ``reason``, or all."""

    action: Literal["failures"]
    backfill_id: Name
    reason: Name | None = None
    size: int = Field(default=100, ge=1, le=MAX_FAILURES)
    cursor: str | None = Field(default=None, min_length=1)


class Retry(_Strict):
    """Retries failed products: those with one error code, the ``reason``, or all."""

    action: Literal["retry"]
    backfill_id: Name
    reason: Name | None = None


class Cancel(_Strict):
    """Stops reading the source; products that are queued are still indexed."""

    action: Literal["cancel"]
    backfill_id: Name


class Switch(_Strict):
    """Points the alias at the index that a backfill filled; ``force`` skips the check that the backfill is complete."""

    action: Literal["switch"]
    backfill_id: Name
    force: bool = False


class Prune(_Strict):
    """Deletes products that the source no longer has, or only counts them (``dry_run``). ``remove_vanished`` is its former name."""

    action: Literal["prune", "remove_vanished"]
    backfill_id: Name
    dry_run: bool = False


class DeadLetters(_Strict):
    """Lists messages that failed too often, with their reasons: those of one queue, or of one backfill, or all."""

    action: Literal["dead_letters"]
    queue: QueueName | None = None
    backfill_id: Name | None = None


class Redrive(_Strict):
    """Sends messages that failed too often again: those of one queue, or of one backfill, or all."""

    action: Literal["redrive"]
    queue: QueueName | None = None
    backfill_id: Name | None = None


class Report(_Strict):
    """Lists the pictures that many products share, those of most products first: most of them are placeholders for "no image"."""

    action: Literal["report"]
    size: int = Field(default=20, ge=1, le=100)


Command = Start | Status | List | Failures | Retry | Cancel | Switch | Prune | DeadLetters | Redrive | Report

_COMMANDS: dict[str, TypeAdapter[Any]] = {
    action: TypeAdapter(command) for command in get_args(Command) for action in get_args(command.model_fields["action"].annotation)
}


def read(payload: Any) -> Command:
    """Parses the payload of an invocation.

    Raises:
        RequestInvalid: names the first invalid field.
    """
    action = payload.get("action") if isinstance(payload, dict) else None
    if not isinstance(action, str) or action not in _COMMANDS:
        raise RequestInvalid(f"action must be one of {', '.join(_COMMANDS)}", field="action")
    command: Command = validated(_COMMANDS[action], payload)
    return command
