"""Mails over a real SMTP server: late when it is down, never lost, never doubled."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from chassis.service import Runtime
from chassis.testing.tokens import user_of
from notifications.commands.mailing import Post, report_sent, take_mail
from notifications.consumers.mail import send_mails
from notifications.models import Delivery, Notification, Preference
from notifications.settings import NotificationSettings

from .builders import account_assigned, reminder, user

ME = user_of("sales")


class Inbox:
    """What the server took; `answers` are given instead of 250, one per mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.connections = 0
        self.answers: list[str] = []

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def smtp_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def settings_overrides(smtp_port: int) -> dict[str, Any]:
    return {
        "smtp_url": f"smtp://127.0.0.1:{smtp_port}",
        "mail_retry_seconds": 0.05,
        "mail_timeout_seconds": 5,
        "mail_from": "Meridian <crm@meridian.test>",
        "public_url": "https://crm.meridian.test",
    }


@pytest.fixture
def start_server(smtp_port: int) -> Iterator[Callable[[], Inbox]]:
    running: list[Controller] = []

    def start() -> Inbox:
        inbox = Inbox()
        running.append(Controller(inbox, hostname="127.0.0.1", port=smtp_port))
        running[-1].start()
        return inbox

    yield start
    for controller in running:
        controller.stop()


@asynccontextmanager
async def sending(runtime: Runtime, workers: int = 1) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(send_mails(runtime)) for _ in range(workers)]
    try:
        yield
    finally:
        runtime.stopping.set()
        await asyncio.gather(*tasks)


async def until(condition: Callable[[], Any]) -> None:
    """Waits for a condition, at most 20 s."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


async def states(db: Any) -> list[str]:
    async with db.read() as session:
        return list((await session.execute(select(Delivery.state).order_by(Delivery.id))).scalars())


def all_in(db: Any, state: str) -> Callable[[], Any]:
    async def check() -> bool:
        return set(await states(db)) == {state}

    return check


async def test_a_mail_says_what_the_notice_says_in_the_persons_words(runtime, publish, db, start_server):
    inbox = start_server()
    await publish(user(ME, locale="pl-PL", name="Ada Żółć", email="ada@meridian.test"))
    event = reminder(ME, subject="Oddzwonić <b>dziś</b>")
    await publish(event)
    async with sending(runtime):
        await until(all_in(db, "sent"))
    [mail] = inbox.mails
    assert mail["Subject"] == "Przypomnienie: Oddzwonić <b>dziś</b>"
    assert str(mail["To"]) == "Ada Żółć <ada@meridian.test>"
    assert mail["From"] == "Meridian <crm@meridian.test>"
    text = mail.get_body(("plain",)).get_content()
    assert f"https://crm.meridian.test/activities/{event.state.activity_id}" in text
    assert "&lt;b&gt;" in mail.get_body(("html",)).get_content()


async def test_a_server_that_is_down_delays_a_mail_and_neither_loses_nor_doubles_it(runtime, publish, db, start_server):
    await publish(user(ME))
    await publish(reminder(ME))

    async def tried() -> bool:
        async with db.read() as session:
            return bool(await session.scalar(select(Delivery.id).where(Delivery.attempts >= 2)))

    async with sending(runtime):
        await until(tried)
        assert set(await states(db)) <= {"pending", "sending"}
        inbox = start_server()
        await until(all_in(db, "sent"))
    assert len(inbox.mails) == 1


async def test_two_processes_send_each_mail_once_over_a_kept_connection(runtime, publish, db, start_server):
    inbox = start_server()
    await publish(user(ME))
    await publish(*[account_assigned(ME) for _ in range(30)])
    async with sending(runtime, workers=2):
        await until(all_in(db, "sent"))
    assert len(inbox.mails) == 30
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 30
    assert inbox.connections <= 2


async def test_a_refused_mail_fails_and_the_person_is_told_in_the_application(runtime, publish, db, start_server):
    inbox = start_server()
    inbox.answers = ["550 no such user"]
    await publish(user(ME, email="gone@meridian.test"))
    await publish(reminder(ME), reminder(ME))
    async with sending(runtime):

        async def settled() -> bool:
            return sorted(await states(db)) == ["failed", "sent"]

        await until(settled)
    async with db.read() as session:
        notice = (await session.execute(select(Notification).where(Notification.kind == "mail_failed"))).scalar_one()
    assert "gone@meridian.test" in notice.body
    assert "550" in notice.body
    assert notice.channels == ["app"]


async def test_a_mail_that_is_deferred_goes_later_and_holds_no_other_up(runtime, publish, db, start_server):
    inbox = start_server()
    inbox.answers = ["451 try later"]
    await publish(user(ME))
    await publish(reminder(ME), reminder(ME), reminder(ME))
    async with sending(runtime):
        await until(all_in(db, "sent"))
    assert len(inbox.mails) == 3


def post(runtime: Runtime, **values: Any) -> Post:
    settings = cast(NotificationSettings, runtime.settings)
    known = {"sender": settings.mail_from, "public_url": settings.public_url, "retry": settings.mail_retry}
    return Post(**{**known, "lease": settings.mail_lease, "batch": 10, **values})


async def test_what_a_crashed_process_took_is_sent_by_another_with_the_same_id(runtime, publish, db):
    await publish(user(ME))
    await publish(reminder(ME))
    async with db.transaction() as session:
        [first] = await take_mail(session, post(runtime, lease=timedelta(0)))
    async with db.transaction() as session:
        [second] = await take_mail(session, post(runtime))
    assert first.letter.message_id == second.letter.message_id
    async with db.transaction() as session:
        # The lease of the first is over: its report means nothing any more.
        await report_sent(session, first)
    assert await states(db) == ["sending"]
    async with db.transaction() as session:
        await report_sent(session, second)
    assert await states(db) == ["sent"]


async def test_quiet_hours_defer_a_mail_to_their_end(runtime, publish, db):
    await publish(user(ME, time_zone="Asia/Tokyo"))
    async with db.transaction() as session:
        now = (await session.execute(select(func.timezone("Asia/Tokyo", func.now())))).scalar_one()
        quiet = {"quiet_from": (now - timedelta(hours=1)).time(), "quiet_to": (now + timedelta(hours=1)).time()}
        session.add(Preference(user_id=ME, choices={}, **quiet))
    await publish(reminder(ME))
    async with db.transaction() as session:
        assert await take_mail(session, post(runtime)) == []
    async with db.read() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
        waits = await session.scalar(select(Delivery.due_at - func.clock_timestamp()))
    assert (delivery.state, delivery.attempts) == ("pending", 0)
    assert timedelta(minutes=58) < waits < timedelta(minutes=61)


async def test_a_mail_waits_for_a_recipient_who_is_not_known_yet(runtime, publish, db, start_server):
    inbox = start_server()
    await publish(reminder(ME))
    async with sending(runtime):

        async def tried() -> bool:
            async with db.read() as session:
                return bool(await session.scalar(select(Delivery.id).where(Delivery.attempts >= 1)))

        await until(tried)
        await publish(user(ME))
        await until(all_in(db, "sent"))
    assert len(inbox.mails) == 1


async def test_who_has_left_gets_no_mail(runtime, publish, db):
    await publish(user(ME))
    await publish(reminder(ME))
    await publish(user(ME, is_active=False, version=2))
    async with db.transaction() as session:
        assert await take_mail(session, post(runtime)) == []
    assert await states(db) == ["skipped"]


async def test_an_address_that_is_none_fails_without_a_server(runtime, publish, db):
    await publish(user(ME, email="not an address"))
    await publish(reminder(ME, id=uuid4()))
    async with sending(runtime):
        await until(all_in(db, "failed"))
