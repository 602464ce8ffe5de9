"""Fixtures for a service's tests, loaded by pytest: the service in process on a real PostgreSQL, its events in hand."""

from chassis.testing.answers import Answers
from chassis.testing.events import Outbox, Publisher
from chassis.testing.tokens import SIGNING_KEY, AsRole, headers_for, signed

__all__ = ["SIGNING_KEY", "Answers", "AsRole", "Outbox", "Publisher", "headers_for", "signed"]
