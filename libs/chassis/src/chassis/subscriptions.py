"""A service's table of contents for what it hears: which function keeps which replica, which one acts on which fact."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypeVar

from contracts.catalogue import topic_of
from contracts.envelope import Envelope
from contracts.event import Event, Fact, Message

EventT = TypeVar("EventT", bound=Event, covariant=True, default=Fact)


@dataclass(frozen=True)
class Received(Generic[EventT]):
    """One record of a topic, decoded."""

    event: EventT
    envelope: Envelope


Projector = Callable[[AsyncSession, Sequence[Received]], Awaitable[None]]
Reactor = Callable[[AsyncSession, Any, Received[Any]], Awaitable[None]]
ProjectorT = TypeVar("ProjectorT", bound=Projector)
ReactorT = TypeVar("ReactorT", bound=Reactor)


@dataclass
class Subscriptions:
    """Projectors by topic and reactors by event type; both lists keep the order of declaration."""

    projectors: dict[str, list[Projector]] = field(default_factory=dict)
    reactors: dict[str, list[Reactor]] = field(default_factory=dict)
    _topics: dict[str, None] = field(default_factory=dict)

    def project(self, *topics: str) -> Callable[[ProjectorT], ProjectorT]:
        """The function gets batches of a topic, folded to the last record per key and sorted by key.

        Its effect must lie in the own database alone and be guarded by the aggregate's version: a record of a key may
        come again, or older than what is stored.
        """

        def declare(function: ProjectorT) -> ProjectorT:
            for topic in topics:
                self._topics[topic] = None
                self.projectors.setdefault(topic, []).append(function)
            return function

        return declare

    def react(self, *events: type[Fact] | type[Message]) -> Callable[[ReactorT], ReactorT]:
        """The function gets each event once, in order per key, with retries, and as if in a transaction of its own.

        While much waits it shares one with events of other keys; if one of them fails, all are rolled back and each is
        handled alone.
        """

        def declare(function: ReactorT) -> ReactorT:
            for event in events:
                self._topics[topic_of(event).name] = None
                self.reactors.setdefault(event.TYPE, []).append(function)
            return function

        return declare

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._topics)

    def handlers(self) -> dict[str, Projector | Reactor]:
        """All functions by the name under which the inbox keeps their work."""
        found: dict[str, Projector | Reactor] = {}
        for projectors in self.projectors.values():
            found.update({handler_name(function): function for function in projectors})
        for reactors in self.reactors.values():
            found.update({handler_name(function): function for function in reactors})
        return found


def handler_name(function: Callable[..., Any]) -> str:
    """Stays in the database over releases: renaming a consumer function starts a new inbox of its own."""
    return function.__name__
