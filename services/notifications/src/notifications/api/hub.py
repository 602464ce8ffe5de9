"""One listener to Kafka per process, passing on to the browsers that are connected."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog

from chassis.access import Policy, Scope
from chassis.auth import Principal
from chassis.service import Runtime
from chassis.subscriptions import Received
from chassis.tail import tail
from contracts.notifications import NotificationCreated, NotificationState
from notifications.domain.kinds import Channel
from notifications.domain.sight import Audience
from notifications.queries.audience import audience_of

log = structlog.get_logger(__name__)

OBJECTS = {
    "crm.accounts.account": "account",
    "crm.accounts.contact": "contact",
    "crm.leads.lead": "lead",
    "crm.activities.activity": "activity",
    "crm.dedup.duplicate_set": "duplicate_set",
}
TOPICS = (NotificationCreated.TOPIC, *OBJECTS)


@dataclass(frozen=True)
class Message:
    """One event of the stream."""

    event: str
    data: dict[str, Any]
    id: str | None = None


@dataclass(eq=False)
class Listener:
    """One connected browser. None in the queue ends its stream."""

    principal: Principal
    queue: "asyncio.Queue[Message | None]" = field(default_factory=asyncio.Queue)

    def end(self) -> None:
        """The rest is not worth waiting for: who comes back asks for what was missed."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Passes events on to listeners that may know of them; a listener that does not keep up is dropped."""

    def __init__(self, runtime: Runtime, policy: Policy, most_waiting: int) -> None:
        self._runtime = runtime
        self._policy = policy
        self._most_waiting = most_waiting
        self._listeners: set[Listener] = set()
        self._running: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def join(self, principal: Principal) -> Listener:
        listener = Listener(principal, asyncio.Queue(self._most_waiting))
        self._listeners.add(listener)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="stream hub")
            self._ending = asyncio.create_task(self._end_with_process(), name="stream end")
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    async def _run(self) -> None:
        try:
            async for received in tail(self._runtime, TOPICS, listening=self.listening):
                await self._pass_on(received)
        except Exception:
            # The listeners come back, and with the first of them a new task.
            log.exception("stream_hub_failed")
        finally:
            self.listening.clear()
            self._end_all()

    async def _end_with_process(self) -> None:
        """At once, also while the broker is away: open streams would hold up the stopping."""
        await self._runtime.stopping.wait()
        self._end_all()

    def _end_all(self) -> None:
        for listener in self._listeners:
            listener.end()

    async def _pass_on(self, received: Received) -> None:
        state = received.event.state
        if isinstance(state, NotificationState):
            self._tell_recipient(received, state)
        elif self._listeners:
            await self._tell_of_change(received)

    def _tell_recipient(self, received: Received, state: NotificationState) -> None:
        if isinstance(received.event, NotificationCreated) and Channel.APP in state.channels:
            message = notification_message(state)
            self._send(message, {each for each in self._listeners if each.principal.id == state.recipient_id})

    async def _tell_of_change(self, received: Received) -> None:
        try:
            async with self._runtime.db.read() as session:
                audience = await audience_of(session, received)
        except Exception as error:
            # Nobody hears of a change whose audience is not known; the pages show it when they are read again.
            log.warning("change_not_passed_on", type=received.envelope.type, error=repr(error))
            return
        message = change_message(received)
        self._send(message, {each for each in self._listeners if self._may_hear(each.principal, message, audience)})

    def _may_hear(self, principal: Principal, message: Message, audience: Audience) -> bool:
        if self._policy.scope(principal, message.data["object"], "read") is Scope.NONE:
            return False
        return principal.is_admin or audience.includes(principal.id)

    def _send(self, message: Message, listeners: set[Listener]) -> None:
        for listener in listeners:
            try:
                listener.queue.put_nowait(message)
            except asyncio.QueueFull:
                log.warning("listener_dropped", user_id=str(listener.principal.id))
                self.leave(listener)
                listener.end()


def notification_message(state: NotificationState) -> Message:
    return Message("notification", state.model_dump(mode="json"), str(state.id))


def change_message(received: Received) -> Message:
    """That something changed, not what: the page asks for it, and is answered what its reader may see."""
    state = received.event.state
    data = {
        "type": received.envelope.type,
        "object": OBJECTS[received.event.TOPIC],
        "id": str(state.id),
        "version": state.version,
    }
    return Message("change", data)
