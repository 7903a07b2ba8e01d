"""The commands of a backfill as JSON."""

from typing import Annotated, Any, Literal

from lookalike.backfills import BucketSpec, CurrentSpec, FieldNames, IndexSpec, Into, SourceSpec
from lookalike.errors import RequestInvalid
from lookalike.mending import Walk
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from functions.validation import validated

Name = Annotated[str, Field(min_length=1, max_length=300)]
MAX_FAILURES = 1000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FieldsModel(_Strict):
    """Where a source document has what."""

    id: Name | None = None
    image_urls: Name = "image_url"
    attributes: Name | list[Name] | None = None


class SourceModel(_Strict):
    """What is read: an index whose documents are products, a bucket of pictures, or the index that is searched."""

    index: Name | None = None
    query: dict[str, Any] | None = None
    fields: FieldsModel | None = None
    url: Annotated[str, Field(pattern="^https?://", max_length=2000)] | None = None
    secret_arn: Name | None = None
    ca: str | None = None
    updated_at: Name | None = None
    bucket: Name | None = None
    prefix: Annotated[str, Field(pattern="^images/", max_length=1024)] | None = None
    current: Literal[True] | None = None

    def spec(self) -> SourceSpec:
        """The same for the use case.

        Raises:
            RequestInvalid: it names no source, or two, or what does not go with the one it names.
        """
        if self.bucket is not None:
            self._refuse_others("bucket", "prefix")
            return BucketSpec(self.bucket, self.prefix or "images/")
        if self.current is not None:
            self._refuse_others("current")
            return CurrentSpec()
        if self.index is None:
            raise RequestInvalid('a source is {"index": …}, {"bucket": …} or {"current": true}', field="source.index")
        self._refuse_others("index", "query", "fields", "url", "secret_arn", "ca", "updated_at")
        if self.url is None and (self.secret_arn or self.ca):
            raise RequestInvalid("the secret and the authority of another cluster come with its url", field="source.url")
        return IndexSpec(
            self.index,
            {"match_all": {}} if self.query is None else self.query,
            _names(self.fields or FieldsModel()),
            url=self.url,
            secret_arn=self.secret_arn,
            ca=self.ca,
            updated_at=self.updated_at,
        )

    def _refuse_others(self, *fitting: str) -> None:
        for other in sorted(self.model_fields_set - set(fitting)):
            if getattr(self, other) is not None:
                raise RequestInvalid(f"{other!r} does not go with {fitting[0]!r}", field=f"source.{other}")


def _names(fields: FieldsModel) -> FieldNames:
    attributes = tuple(fields.attributes) if isinstance(fields.attributes, list) else fields.attributes
    return FieldNames(fields.id, fields.image_urls, attributes)


class IntoModel(_Strict):
    """The new index that is filled: its model, and its name if it is to have one of its own."""

    model: Name
    index: Name | None = None


class Start(_Strict):
    """Starts a backfill, or takes up one that was started with the same request."""

    action: Literal["start"]
    source: SourceModel
    into: IntoModel | None = None

    def index(self) -> Into | None:
        """The same as ``into``, for the use case."""
        return Into(self.into.model, self.into.index) if self.into else None


class Status(_Strict):
    """Asks how far a backfill is."""

    action: Literal["status"]
    backfill_id: Name


class List(_Strict):
    """Asks which backfills there are."""

    action: Literal["list"]


class Failures(_Strict):
    """Asks what failed, of one reason (a code that the status counts) or of all."""

    action: Literal["failures"]
    backfill_id: Name
    reason: Name | None = None
    size: int = Field(default=100, ge=1, le=MAX_FAILURES)
    cursor: str | None = Field(default=None, min_length=1)


class Retry(_Strict):
    """Has failed products tried again, of one reason or of all."""

    action: Literal["retry"]
    backfill_id: Name
    reason: Name | None = None


class Cancel(_Strict):
    """Has a backfill read no further."""

    action: Literal["cancel"]
    backfill_id: Name


class Switch(_Strict):
    """Has the index that a backfill filled searched from now on."""

    action: Literal["switch"]
    backfill_id: Name
    force: bool = False


class RemoveVanished(_Strict):
    """Has products deleted that the source does not have any more."""

    action: Literal["remove_vanished"]
    backfill_id: Name
    dry_run: bool = False


class Slice(_Strict):
    """Has a slice read on; posted by the function itself."""

    action: Literal["slice"]
    backfill_id: Name
    slice: int = Field(ge=0)


class GoOn(_Strict):
    """Has a retry or a removal go on; posted by the function itself."""

    action: Literal["walk"]
    backfill_id: Name
    run: int
    what: Literal["failed", "vanished"]
    reason: str | None = None
    after: str | None = None

    def walk(self) -> Walk:
        """The same for the use case."""
        return Walk(self.backfill_id, self.run, self.what, self.reason, self.after)


Command = Start | Status | List | Failures | Retry | Cancel | Switch | RemoveVanished | Slice | GoOn

_COMMANDS: dict[str, TypeAdapter[Any]] = {
    "start": TypeAdapter(Start),
    "status": TypeAdapter(Status),
    "list": TypeAdapter(List),
    "failures": TypeAdapter(Failures),
    "retry": TypeAdapter(Retry),
    "cancel": TypeAdapter(Cancel),
    "switch": TypeAdapter(Switch),
    "remove_vanished": TypeAdapter(RemoveVanished),
    "slice": TypeAdapter(Slice),
    "walk": TypeAdapter(GoOn),
}


def read(payload: Any) -> Command:
    """A command.

    Raises:
        RequestInvalid: naming the field that is wrong.
    """
    action = payload.get("action") if isinstance(payload, dict) else None
    if not isinstance(action, str) or action not in _COMMANDS:
        raise RequestInvalid(f"the action is one of {', '.join(_COMMANDS)}", field="action")
    command: Command = validated(_COMMANDS[action], payload)
    return command
