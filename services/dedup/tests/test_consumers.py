import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from chassis.db import Database
from chassis.testing import Outbox, Publisher
from contracts.dedup import ClaimRequest, DuplicateSetExpired, DuplicateSetExtended, DuplicateSetSuspected
from dedup.commands.claims import claim_keys
from dedup.commands.records import COMPARING, compare_queued, keep_records
from dedup.models import Claim, DuplicatePair, KnownRecord, PendingMatch, RecordKey, SetMember, UserReplica
from services.dedup.tests.builders import (
    OWNER,
    account,
    captured,
    changed,
    contact,
    contact_created,
    created,
    deleted,
    item,
    lead,
    user,
)

NIP = "5250001122"


async def count(db: Database, model: type) -> int:
    async with db.read() as session:
        return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def open_members(db: Database) -> list[set[UUID]]:
    async with db.read() as session:
        rows = await session.execute(select(SetMember.set_id, SetMember.record_id).where(SetMember.is_open))
    sets: dict[UUID, set[UUID]] = {}
    for set_id, record_id in rows:
        sets.setdefault(set_id, set()).add(record_id)
    return sorted(sets.values(), key=len)


async def test_a_record_is_kept_once_however_often_it_is_announced(publish: Publisher, db: Database) -> None:
    known = account(name="Get Cloudy", tax_number=NIP)
    await publish(created(known), times=3)
    assert await count(db, KnownRecord) == 1
    keys = await count(db, RecordKey)
    await publish(created(known))
    assert await count(db, RecordKey) == keys


async def test_two_alike_are_suspected_once(publish: Publisher, emitted: Outbox) -> None:
    one, other = account(name="Get Cloudy"), account(name="GET CLOUDY Sp. z o.o.")
    await publish(created(one), created(other), times=2)
    [event] = await emitted(DuplicateSetSuspected)
    assert (event.state.object, event.state.status, event.state.owner_ids) == ("account", "open", [OWNER])
    assert {member.id for member in event.state.members} == {one.id, other.id}
    assert {reason.field for member in event.state.members for reason in member.reasons} == {"name"}
    assert await emitted(DuplicateSetExtended) == []


async def test_strangers_are_not_suspected(publish: Publisher, emitted: Outbox) -> None:
    await publish(created(account(name="Get Cloudy")), created(account(name="Piekarnia Nowak")))
    assert await emitted() == []


async def test_a_third_one_extends_the_set(publish: Publisher, emitted: Outbox, db: Database) -> None:
    known = [account(name="Get Cloudy") for _ in range(3)]
    await publish(*map(created, known))
    [suspected] = await emitted(DuplicateSetSuspected)
    [extended] = await emitted(DuplicateSetExtended)
    assert extended.state.id == suspected.state.id
    assert len(extended.state.members) == 3
    assert await open_members(db) == [{each.id for each in known}]


async def test_a_record_between_two_sets_joins_them_and_one_of_them_expires(
    publish: Publisher, emitted: Outbox, db: Database
) -> None:
    by_name = [account(name="Get Cloudy", phone="+48221110001"), account(name="Get Cloudy")]
    by_tax = [account(name="Sunny Days", tax_number=NIP), account(name="Sunny Daze", tax_number=NIP)]
    await publish(*map(created, [*by_name, *by_tax]))
    assert len(await emitted(DuplicateSetSuspected)) == 2
    bridge = account(name="Get Cloudy", tax_number=NIP)
    await publish(created(bridge))
    assert await open_members(db) == [{each.id for each in [*by_name, *by_tax, bridge]}]
    assert len(await emitted(DuplicateSetExpired)) == 1
    assert len(await emitted(DuplicateSetExtended)) == 1


async def test_a_set_expires_when_its_records_go_or_become_different(
    publish: Publisher, emitted: Outbox, db: Database
) -> None:
    gone, stays = account(name="Get Cloudy"), account(name="Get Cloudy")
    await publish(created(gone), created(stays), deleted(gone))
    [expired] = await emitted(DuplicateSetExpired)
    assert expired.state.status == "expired"
    assert [await open_members(db), await count(db, DuplicatePair)] == [[], 0]
    third = account(name="Get Cloudy")
    await publish(created(third), changed(third, name="Piekarnia Nowak"))
    assert len(await emitted(DuplicateSetExpired)) == 2
    assert await open_members(db) == []


async def test_a_lead_is_compared_with_contacts_and_accounts(publish: Publisher, emitted: Outbox) -> None:
    person = {"first_name": "Ola", "last_name": "Nowak", "email": "ola@getcloudy.pl"}
    await publish(contact_created(contact(**person)), created(account(name="Sunny Days", phone="+48221110001")))
    await publish(captured(lead(**person)))
    await publish(captured(lead(last_name="Kot", company="Sunny Days", phone="+48221110001")))
    events = await emitted(DuplicateSetSuspected)
    kinds = [sorted(member.object for member in event.state.members) for event in events]
    assert kinds == [["contact", "lead"], ["account", "lead"]]
    assert {event.state.object for event in events} == {"mixed"}


async def test_a_contact_is_not_the_duplicate_of_its_company(publish: Publisher, emitted: Outbox) -> None:
    shared = {"phone": "+48221110001", "email": "info@getcloudy.pl"}
    await publish(created(account(name="Nowak", **shared)))
    await publish(contact_created(contact(last_name="Nowak", **shared)))
    assert await emitted() == []


async def test_two_colleagues_with_one_mailbox_are_two_people(publish: Publisher, emitted: Outbox) -> None:
    shared = {"email": "info@getcloudy.pl", "phone": "+48221110001", "account_id": uuid4()}
    await publish(
        contact_created(contact(first_name="Ola", last_name="Nowak", **shared)),
        contact_created(contact(first_name="Jan", last_name="Kot", **shared)),
    )
    assert await emitted() == []


async def test_an_event_names_no_private_contact(publish: Publisher, emitted: Outbox) -> None:
    person = {"first_name": "Anna", "last_name": "Tajemnicza", "email": "anna@tajemnicza.pl", "account_id": None}
    await publish(*(contact_created(contact(**person)) for _ in range(2)))
    [event] = await emitted(DuplicateSetSuspected)
    assert "Tajemnicza" not in event.model_dump_json() and "anna" not in event.model_dump_json()
    assert [member.owner_id for member in event.state.members] == [None, None]
    assert event.state.owner_ids == [OWNER]


async def test_a_whole_batch_of_twins_is_one_set_and_the_claimant_keeps_the_key(emitted: Outbox, db: Database) -> None:
    twins = [account(name="Get Cloudy", tax_number=NIP) for _ in range(5)]
    claimant = twins[3]
    request = ClaimRequest.model_validate({"items": [{**item(tax_number=NIP), "record_id": str(claimant.id)}]})
    async with db.transaction() as session:
        await claim_keys(session, request, "secret")
    for _ in range(2):
        async with db.transaction() as session:
            await keep_records(session, "account", twins)
    async with db.read() as session:
        held = select(Claim.record_id, Claim.is_confirmed).where(Claim.key == f"tax:{NIP}")
        assert (await session.execute(held)).all() == [(claimant.id, True)]
    [event] = await emitted()
    assert {member.id for member in event.state.members} == {each.id for each in twins}


async def test_a_claim_moves_to_the_next_holder_of_the_key(publish: Publisher, db: Database) -> None:
    first, second = account(name="First", tax_number=NIP), account(name="Second", tax_number=NIP)
    await publish(created(first), created(second))

    async def holder() -> UUID | None:
        async with db.read() as session:
            return (
                await session.execute(select(Claim.record_id).where(Claim.key == f"tax:{NIP}"))
            ).scalar_one_or_none()

    assert await holder() == first.id
    await publish(deleted(first))
    assert await holder() == second.id
    await publish(changed(second, tax_number=None))
    assert await holder() is None


async def test_an_older_state_that_comes_late_changes_nothing(publish: Publisher, db: Database) -> None:
    known = account(name="Old name")
    await publish(changed(known, name="New name"), created(known))
    async with db.read() as session:
        assert (await session.execute(select(KnownRecord.label))).scalar_one() == "New name"


async def test_a_value_that_everybody_has_says_nothing(publish: Publisher, emitted: Outbox) -> None:
    switchboard = "+48221110001"
    await publish(*(created(account(name=f"{uuid4().hex} {uuid4().hex}", phone=switchboard)) for _ in range(70)))
    before = len(await emitted(DuplicateSetSuspected))
    await publish(created(account(name="Get Cloudy", phone=switchboard)))
    assert len(await emitted(DuplicateSetSuspected)) == before


async def test_what_cannot_be_compared_at_once_is_compared_soon(
    publish: Publisher, emitted: Outbox, db: Database
) -> None:
    async with db.transaction() as busy:
        await busy.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": COMPARING})
        await publish(*(created(account(name="Get Cloudy")) for _ in range(2)), actor_id=OWNER)
        async with db.transaction() as session:
            assert await compare_queued(session, 10) == 0
        assert await count(db, PendingMatch) == 2
    async with db.transaction() as session:
        assert await compare_queued(session, 10) == 2
    assert [len(await emitted(DuplicateSetSuspected)), await count(db, PendingMatch)] == [1, 0]
    [headers] = await emitted.headers()
    assert headers["ce_authid"] == str(OWNER)


async def test_twins_announced_at_the_same_moment_find_each_other(
    publish: Publisher, emitted: Outbox, db: Database
) -> None:
    # Accounts and leads are read side by side, each batch in a transaction of its own.
    twins = [({"first_name": f"Ola{n}", "last_name": "Nowak", "email": f"o{n}@getcloudy.pl"}) for n in range(10)]
    await asyncio.gather(
        publish(*(contact_created(contact(**person)) for person in twins)),
        publish(*(captured(lead(**person)) for person in twins)),
    )
    async with db.transaction() as session:
        await compare_queued(session, 100)
    pairs = {
        frozenset(member.object for member in event.state.members) for event in await emitted(DuplicateSetSuspected)
    }
    assert pairs == {frozenset({"contact", "lead"})}
    assert len(await open_members(db)) == 10


@pytest.mark.parametrize("times", [1, 2])
async def test_users_are_known_by_name(publish: Publisher, db: Database, times: int) -> None:
    await publish(user(id=OWNER, email="ola@example.com", name="Ola Nowak"), times=times)
    async with db.read() as session:
        assert (await session.execute(select(UserReplica.name))).scalars().all() == ["Ola Nowak"]


async def test_the_largest_set_fits_into_an_event(db: Database, emitted: Outbox) -> None:
    name = "Przedsiębiorstwo Handlowo-Usługowe " + "Bardzo Długa Nazwa " * 11
    place = {"street": "Długa 10", "postal_code": "00-238", "city": "Warszawa"}
    shared = {"name": name, "tax_number": NIP, "phone": "+48221110001", "email": "biuro@firma.pl", "billing": place}
    twins = [account(**shared, owner_id=uuid4()) for _ in range(40)]
    for batch in (twins[:20], twins[20:]):
        async with db.transaction() as session:
            await keep_records(session, "account", batch)
    assert max(len(each) for each in await open_members(db)) == 25
    assert max(len(event.model_dump_json()) for event in await emitted()) < 65_536
