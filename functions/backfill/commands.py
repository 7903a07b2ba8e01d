"""The commands of a backfill as JSON."""

from typing import Annotated, Any, Literal

from lookalike.backfilling import FieldNames, SourceSpec
from lookalike.errors import RequestInvalid
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from functions.validation import validated

Name = Annotated[str, Field(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FieldsModel(_Strict):
    """Where a source document has what."""

    id: Name | None = None
    image_urls: Name = "image_url"
    attributes: Name | list[Name] | None = None


class SourceModel(_Strict):
    """The index whose documents are products."""

    index: Name
    query: dict[str, Any] = {"match_all": {}}
    fields: FieldsModel = FieldsModel()

    def spec(self) -> SourceSpec:
        """The same for the use case."""
        attributes = self.fields.attributes
        names = tuple(attributes) if isinstance(attributes, list) else attributes
        return SourceSpec(self.index, self.query, FieldNames(self.fields.id, self.fields.image_urls, names))


class Start(_Strict):
    """Starts a backfill, or takes up one that was started with the same source."""

    action: Literal["start"]
    source: SourceModel


class Status(_Strict):
    """Asks how far a backfill is."""

    action: Literal["status"]
    backfill_id: Name


class Slice(_Strict):
    """Has a slice read on; posted by the function itself."""

    action: Literal["slice"]
    backfill_id: Name
    slice: int = Field(ge=0)


Command = Start | Status | Slice

_COMMANDS: dict[str, TypeAdapter[Any]] = {"start": TypeAdapter(Start), "status": TypeAdapter(Status), "slice": TypeAdapter(Slice)}


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
