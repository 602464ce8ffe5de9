"""What one transaction gathers until it commits: its events, and the states that rows had when they were loaded."""

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.event import State

UNTRACKED = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})


@runtime_checkable
class Aggregate(Protocol):
    """A mapped row that can say its public state."""

    id: Any
    version: Any

    def state(self) -> State: ...


@dataclass(frozen=True)
class Change:
    """One field of one aggregate before and after."""

    object_id: UUID
    version: int
    field: str
    old: JsonValue
    new: JsonValue


@dataclass
class Unit:
    """Lives in `session.info["unit"]`; the keys of `loaded` are ids of rows.

    `events` and `changes` are rows ready to be written: who acted and why is known when they are made, not later.
    """

    service: str
    events: list[dict[str, Any]] = field(default_factory=list)
    loaded: dict[UUID, dict[str, JsonValue]] = field(default_factory=dict)
    recorded: set[tuple[UUID, int, str]] = field(default_factory=set)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def remember(self, instance: Any) -> None:
        """Keeps the public state of a row as it was loaded, for `previous` and the field history."""
        if _says_its_state(type(instance)):
            state = instance.state()
            self.loaded.setdefault(state.id, public(state))

    def previous(self, state: State) -> dict[str, JsonValue]:
        """Old values of the fields that differ from the loaded state, by public name; empty for a new row."""
        before = self.loaded.get(state.id)
        if before is None:
            return {}
        after = public(state)
        return {name: before.get(name) for name in after if before.get(name) != after[name]}

    def version_when_loaded(self, identity: UUID) -> int | None:
        before = self.loaded.get(identity)
        return None if before is None else int(str(before["version"]))


_speaking: dict[type, bool] = {}


def _says_its_state(model: type) -> bool:
    """Asked once per class: the check against the protocol costs more than loading a row."""
    if model not in _speaking:
        _speaking[model] = isinstance(model, Aggregate)
    return _speaking[model]


def public(state: State) -> dict[str, JsonValue]:
    """The state as it stands in an event, except what changes with every write."""
    values: dict[str, JsonValue] = state.model_dump(mode="json")
    return {name: value for name, value in values.items() if name == "version" or name not in UNTRACKED}


def unit_of(session: AsyncSession) -> Unit:
    """The unit of work of a session that Database.transaction opened; anything else has none and must not emit."""
    unit: Unit = session.sync_session.info["unit"]
    return unit


async def begin_anew(session: AsyncSession) -> None:
    """Between two events in one transaction: what the first one loaded and changed is written and forgotten.

    The second loads its rows as they are by then, so its facts say what it changed, and no other's.
    """
    if any(session):
        await session.flush()
        session.expunge_all()
    unit = unit_of(session)
    unit.loaded.clear()
    unit.recorded.clear()
