from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from chassis.testing.tokens import user_of
from contracts.notifications import NotificationCreated
from notifications.models import Cause, Delivery, Notification

from .builders import (
    account_assigned,
    activity,
    contact,
    duplicate_set,
    import_started,
    lead_assigned,
    reminder,
    user,
)

ME = user_of("sales")
BOSS = uuid4()


async def notices(db: Any, recipient: Any = ME) -> list[Notification]:
    mine = select(Notification).where(Notification.recipient_id == recipient).order_by(Notification.id)
    async with db.read() as session:
        return list((await session.execute(mine)).scalars())


async def deliveries(db: Any) -> list[Delivery]:
    async with db.read() as session:
        return list((await session.execute(select(Delivery).order_by(Delivery.id))).scalars())


async def test_a_new_owner_is_told_once_by_both_channels(publish, db, emitted):
    await publish(user(ME), user(BOSS, name="Big Boss"))
    await publish(account_assigned(ME), times=2, actor_id=BOSS)
    [notice] = await notices(db)
    assert notice.title == "Assigned to you: ACME S.p.A."
    assert "Big Boss made you responsible." in notice.body
    assert notice.channels == ["app", "email"]
    [delivery] = await deliveries(db)
    assert delivery.state == "pending"
    [event] = await emitted(NotificationCreated)
    assert event.state.recipient_id == ME


async def test_the_same_fact_with_another_event_id_is_told_once(publish, db):
    """The inbox forgets after a week; what was told is remembered for ever."""
    event = account_assigned(ME)
    await publish(event, actor_id=BOSS)
    await publish(event, actor_id=BOSS)
    assert len(await notices(db)) == 1
    async with db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Cause)) == 1


async def test_nobody_is_told_of_what_he_did_himself(publish, db):
    await publish(account_assigned(ME), lead_assigned(ME), activity(ME), actor_id=ME)
    assert await notices(db) == []


async def test_a_lead_in_a_queue_has_nobody_to_tell(publish, db):
    await publish(lead_assigned(None, queue_id=uuid4()), actor_id=BOSS)
    async with db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Notification)) == 0


async def test_work_is_told_in_the_assignees_language_and_zone(publish, db):
    await publish(user(ME, locale="it-IT", time_zone="America/New_York"))
    starts = datetime(2026, 12, 1, 15, tzinfo=UTC)
    await publish(activity(ME, subject="Richiamare", starts_at=starts), actor_id=BOSS, times=2)
    [notice] = await notices(db)
    assert notice.title == "Assegnato a te: Richiamare"
    assert "Quando: martedì 1 dicembre 2026, 10:00 (America/New_York)" in notice.body


async def test_a_reminder_is_told_once_per_occurrence(publish, db):
    first = reminder(ME)
    again = first.model_copy(update={"state": first.state.model_copy(update={"occurrence": 2, "version": 2})})
    await publish(first, times=2)
    await publish(again, times=2)
    assert [notice.title for notice in await notices(db)] == ["Reminder: Call back"] * 2


async def test_events_older_than_a_day_tell_nobody_anything(publish, db):
    await publish(reminder(ME), time=datetime.now(UTC) - timedelta(hours=25))
    await publish(account_assigned(ME), actor_id=BOSS, time=datetime.now(UTC) - timedelta(hours=25))
    assert await notices(db) == []


async def test_reminders_missed_for_more_than_a_day_become_one_notice(publish, db):
    for _ in range(3):
        await publish(reminder(ME, late_by_seconds=100_000))
    [notice] = await notices(db)
    assert (notice.title, notice.count) == ("Missed reminders: 3", 3)
    assert [delivery.state for delivery in await deliveries(db)] == ["skipped"]


async def test_a_private_contacts_work_is_named_to_its_owner_only(publish, db):
    person = contact(BOSS)
    links = [{"object": "contact", "id": person.state.id}]
    await publish(person)
    await publish(
        reminder(ME, subject="Secret XYZZY", links=links), reminder(BOSS, subject="Secret XYZZY", links=links)
    )
    [mine] = await notices(db)
    [theirs] = await notices(db, BOSS)
    assert "XYZZY" not in mine.title + mine.body + str(mine.values)
    assert "Segreta" not in mine.title + mine.body + str(mine.values)
    assert mine.title == "Reminder: call"
    assert theirs.title == "Reminder: Secret XYZZY"
    assert "About: Segreta Rossi" in theirs.body


async def test_a_contact_that_is_not_known_yet_is_treated_as_private(publish, db):
    links = [{"object": "contact", "id": uuid4()}]
    await publish(activity(ME, subject="Secret XYZZY", links=links), actor_id=BOSS)
    [notice] = await notices(db)
    assert "XYZZY" not in notice.title + notice.body + str(notice.values)


async def test_owners_of_duplicates_are_told_of_their_own_record(publish, db):
    await publish(duplicate_set(ME, BOSS), times=2, correlation_id="one")
    [mine], [theirs] = await notices(db), await notices(db, BOSS)
    assert mine.title == "Possible duplicate: Firm 0"
    assert theirs.title == "Possible duplicate: Firm 1"
    assert "Firm 1" not in mine.title + mine.body + str(mine.values)
    assert [delivery.state for delivery in await deliveries(db)] == ["pending"] * 2


async def test_an_imports_duplicates_are_counted_and_not_mailed(publish, db):
    await publish(import_started(ME), correlation_id="the-import")
    for _ in range(5):
        await publish(duplicate_set(ME, ME), times=2, correlation_id="the-import")
    [notice] = await notices(db)
    assert (notice.title, notice.count, notice.link) == ("Possible duplicates: 5", 5, "/duplicates")
    assert notice.channels == ["app"]
    assert await deliveries(db) == []


async def test_an_import_is_known_by_its_actor_before_its_own_event_arrives(publish, db):
    await publish(duplicate_set(ME), actor_type="import", actor_id=uuid4())
    [notice] = await notices(db)
    assert notice.channels == ["app"]
    assert await deliveries(db) == []


async def test_many_duplicates_of_one_cause_send_no_mail_even_if_nobody_said_import(publish, db):
    for _ in range(4):
        await publish(duplicate_set(ME), correlation_id="a-script")
    [notice] = await notices(db)
    assert notice.count == 4
    assert [delivery.state for delivery in await deliveries(db)] == ["skipped"]


async def test_who_has_left_is_not_told(publish, db):
    await publish(user(ME, is_active=False))
    await publish(account_assigned(ME), actor_id=BOSS)
    assert await notices(db) == []
