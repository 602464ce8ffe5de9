"""The sender of mails: takes what is due, sends it over one kept connection, reports each at once."""

import asyncio
import time
from contextlib import suppress
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from chassis.context import SYSTEM, acting
from chassis.service import Runtime
from notifications.commands.mailing import Outgoing, Post, give_back, report_refused, report_sent, take_mail
from notifications.domain.letters import BadAddress, composed
from notifications.settings import NotificationSettings

log = structlog.get_logger(__name__)

POLL = 0.5
KEEP_OPEN = 20.0
"""Seconds an idle connection stays open; servers close sooner or later themselves."""


class Refused(Exception):
    """The server will not take this mail, now or later."""


class Deferred(Exception):
    """The server will not take this mail now, but perhaps later."""


class Unreachable(Exception):
    """The server is away: no mail can be sent at the moment."""


class Mailer:
    """One connection to the mail server, opened when needed and used for many mails."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._options = {
            "hostname": parts.hostname or "127.0.0.1",
            "port": parts.port or (465 if parts.scheme == "smtps" else 25),
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "timeout": timeout,
        }
        self._client: aiosmtplib.SMTP | None = None
        self._used_at = 0.0

    async def send(self, outgoing: Outgoing) -> None:
        """Returns when the server has taken the mail over. Raises Refused, Deferred, Unreachable."""
        try:
            mail = composed(outgoing.letter)
        except BadAddress as error:
            raise Refused(f"not an address: {error}") from error
        client = await self._connected()
        try:
            await client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0].code, error.recipients[0].message) from error
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPHeloError) as error:
            raise _judged(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            await self.close()
            raise Unreachable(repr(error)) from error
        self._used_at = time.monotonic()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None or not self._client.is_connected:
            client = aiosmtplib.SMTP(**self._options)  # type: ignore[arg-type]
            try:
                await client.connect()
            except (aiosmtplib.SMTPException, OSError) as error:
                client.close()
                raise Unreachable(repr(error)) from error
            self._client = client
        self._used_at = time.monotonic()
        return self._client

    async def close_when_idle(self) -> None:
        if self._client is not None and time.monotonic() - self._used_at > KEEP_OPEN:
            await self.close()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=2)
            client.close()


def _judged(code: int, message: str) -> Exception:
    return Refused(f"{code} {message}") if 500 <= code < 600 else Deferred(f"{code} {message}")


async def send_mails(runtime: Runtime) -> None:
    """Any number of processes may run this: each mail is taken by one of them at a time."""
    settings = cast(NotificationSettings, runtime.settings)
    post = Post(settings.mail_from, settings.public_url, settings.mail_lease, settings.mail_retry, settings.mail_batch)
    mailer = Mailer(settings.smtp_url, settings.mail_timeout_seconds)
    try:
        while not runtime.stopping.is_set():
            if not await send_due(runtime, mailer, post):
                await mailer.close_when_idle()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await runtime.stopping.wait()
    finally:
        await mailer.close()


async def send_due(runtime: Runtime, mailer: Mailer, post: Post) -> int:
    """One batch; returns how many were taken."""
    ends_at = time.monotonic() + post.lease.total_seconds()
    timeout = cast(NotificationSettings, runtime.settings).mail_timeout_seconds
    with acting(SYSTEM):
        async with runtime.db.transaction() as session:
            taken = await take_mail(session, post)
        for position, outgoing in enumerate(taken):
            # An attempt must not outlast the lease: another process would send the mail again.
            out_of_time = time.monotonic() + 2 * timeout > ends_at and position > 0
            if runtime.stopping.is_set() or out_of_time:
                error: str | None = "left to another process"
            else:
                error = await _attempt(runtime, mailer, outgoing, post)
            if error is not None:
                async with runtime.db.transaction() as session:
                    await give_back(session, taken[position:], error, post)
                break
    return len(taken)


async def _attempt(runtime: Runtime, mailer: Mailer, outgoing: Outgoing, post: Post) -> str | None:
    """None when the mail needs no other attempt; otherwise why the server cannot be used at the moment."""
    try:
        await mailer.send(outgoing)
    except Refused as refusal:
        log.warning("mail_refused", delivery_id=str(outgoing.delivery_id), reason=str(refusal))
        async with runtime.db.transaction() as session:
            await report_refused(session, outgoing, str(refusal))
    except Deferred as error:
        async with runtime.db.transaction() as session:
            await give_back(session, [outgoing], str(error), post)
    except Unreachable as error:
        log.warning("mail_server_unreachable", error=str(error))
        return str(error)
    else:
        async with runtime.db.transaction() as session:
            await report_sent(session, outgoing)
    return None
