"""What every event has in common.

A class is one event type. `TYPE` is written out by hand because it is what other systems see: renaming a class changes
nothing on the wire. Readers ignore fields they do not know, so a producer may add optional fields at any time.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A moment; always UTC on the wire (`2026-11-23T14:00:00Z`)."""


class Data(BaseModel):
    """Pure data inside an event: frozen, and tolerant of fields that a newer producer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class State(Data):
    """The public state of one aggregate, as every one of its facts carries it."""

    id: UUID = Field(description="Id of the aggregate; also the record's key in Kafka.")
    version: int = Field(
        ge=1,
        description="Grows by one with every change. Ignore a state that is not newer than yours.",
    )
    created_at: Moment = Field(description="When the aggregate was created (UTC).")
    updated_at: Moment = Field(description="When this version was written (UTC).")
    created_by: UUID | None = Field(default=None, description="User who created it; null for the system itself.")
    updated_by: UUID | None = Field(
        default=None,
        description="User who wrote this version; null for the system itself.",
    )


class Event(Data):
    """One event type, `crm.<service>.<aggregate>.<past-tense fact>.v<major>`; topic and schema follow from it."""

    TYPE: ClassVar[str] = ""
    MINOR: ClassVar[int] = 0
    """Raised when optional fields were added since the last release; part of `SCHEMA` (`ce_dataschema`)."""
    TOPIC: ClassVar[str] = ""
    SCHEMA: ClassVar[str] = ""
    TOMBSTONE: ClassVar[bool] = False
    """The record in the compacted state topic is removed, so that new subscribers never see the aggregate."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.TOPIC = ".".join(cls.TYPE.split(".")[:3])
        cls.SCHEMA = f"urn:meridian:schema:{cls.TYPE}.{cls.MINOR}"


class Fact(Event):
    """A fact about one aggregate, with its whole public state after the fact."""

    state: State
    previous: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Old values of the fields that this fact changed, by field name. Empty for a creation.",
    )


class Message(Event):
    """What services say to each other within one saga. The saga's id is the record's key.

    `TYPE` is `crm.<service that reads it>.commands.<order>.v<major>` or `crm.<owner of the saga>.replies.<answer>.v…`.
    """

    saga_id: UUID = Field(description="Saga it belongs to; also the record's key in Kafka.")
    step: str = Field(description="Step of the saga; (saga_id, step) is done at most once.")


class Command(Message):
    """An order to one service. It may come again, late, or after the order to cancel the same step."""


class Kept(Data):
    """Something that a saga had made and that could not be taken back."""

    object: str = Field(description="Kind of record, as in its topic's name.")
    id: UUID = Field(description="Id of the record.")
    reason: str = Field(description="Why it was kept, as a stable code.")


class Reply(Message):
    """What came of a command. Subclasses add what was made as optional fields, which are null unless it is done."""

    outcome: str = Field(
        description="How the step ended. More values may come.",
        json_schema_extra={
            "x-values": {
                "done": "it has happened",
                "refused": "it may not happen; nothing was changed",
                "cancelled": "it has not happened and will not any more, or was taken back but for `kept`",
            }
        },
    )
    reason: str | None = Field(default=None, description="Why it was refused, as a stable code.")
    detail: str | None = Field(default=None, description="The same for people.")
    kept: list[Kept] = Field(
        default_factory=list, description="What a cancelled step had made and could not take back."
    )


def open_set(description: str, **values: str) -> Any:
    """Annotation of a field (or of a list's items) whose documented values may grow, so it is `str` on the wire.

    A new value never breaks an old reader. `values` maps each value known today to its meaning; the JSON Schema shows
    it as `x-values`.
    """
    return Field(description=f"{description} More values may come.", json_schema_extra={"x-values": dict(values)})


def utc(text: str) -> datetime:
    """Parse an RFC 3339 moment into an aware UTC datetime; ValueError when it has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return moment.astimezone(UTC)
