"""Who is acting, and on behalf of which cause: carried through one request or one event, and into the outbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from uuid_utils.compat import uuid7


@dataclass(frozen=True)
class Actor:
    """The acting principal: `type` is `user`, `service` or `system`, `id` its identifier as text."""

    type: str
    id: str | None = None


SYSTEM = Actor("system")

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
causation_id: ContextVar[str | None] = ContextVar("causation_id", default=None)
actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)
traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_correlation_id() -> str:
    """The correlation id in force; work that nobody asked for (a timer) starts a chain of its own."""
    value = correlation_id.get()
    if value is None:
        value = str(uuid7())
        correlation_id.set(value)
    return value


@contextmanager
def acting(
    who: Actor, *, correlation: str | None = None, causation: str | None = None, trace: str | None = None
) -> Iterator[None]:
    """Everything emitted inside is attributed to `who` and chained to the given cause."""
    tokens = (
        (actor, actor.set(who)),
        (correlation_id, correlation_id.set(correlation or str(uuid7()))),
        (causation_id, causation_id.set(causation)),
        (traceparent, traceparent.set(trace)),
    )
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)  # type: ignore[arg-type]
