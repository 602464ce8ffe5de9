"""I18: at rest a saga has made everything, or nothing but what it reports as kept, whatever happened on the way."""

import os
import random

import pytest

from contracts.event import Command

from .conftest import Trip, World, assert_atomic

SEEDS = range(int(os.environ.get("SAGA_SCHEDULES", "12")))
STEPS = 40


async def act(world: World, trip: Trip, dice: random.Random) -> None:
    """One thing that networks, clocks, crashes and people do."""
    match dice.choices(
        ("arrive", "crash", "lose", "repeat", "wait", "give up", "touch", "fill", "empty", "again"),
        (50, 10, 8, 12, 10, 1, 3, 4, 4, 3),
    )[0]:
        case "arrive" if world.in_flight:
            await world.deliver(world.in_flight.pop(dice.randrange(len(world.in_flight))))
        case "crash" if world.in_flight:
            await world.deliver(dice.choice(world.in_flight), crash=True)
        case "lose" if world.in_flight:
            world.in_flight.pop(dice.randrange(len(world.in_flight)))
        case "repeat" if world.sent:
            await world.deliver(dice.choice(world.sent))
        case "wait":
            await world.let_time_pass()
        case "give up":
            await world.let_time_pass(whole=True)
        case "touch":
            await world.rows("hotel", "update rooms set is_touched = true where trip_id = $1", trip.id)
        case "fill":
            table = dice.choice(("houses", "planes"))
            columns, values = ("is_full, is_out_of_paper", "true, true") if table == "houses" else ("is_full", "true")
            service = "hotel" if table == "houses" else "airline"
            await world.rows(service, f"insert into {table} ({columns}) values ({values})")
        case "empty":
            await world.rows("hotel", "update houses set is_full = false")
            await world.rows("airline", "update planes set is_full = false")
        case "again":
            assert not (await world.start(trip, "first")).is_new


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_schedule_ends_with_all_or_nothing(world: World, seed: int) -> None:
    dice = random.Random(seed)
    trip = await world.want()
    started = await world.start(trip, "first")
    for _ in range(STEPS):
        await act(world, trip, dice)
    await world.rows("hotel", "update houses set is_out_of_paper = false")
    found = await world.settle(started.saga_id)
    await assert_atomic(world, trip, found)
    # Whatever still wanders about changes nothing any more.
    late = list(world.sent)
    dice.shuffle(late)
    for message in late:
        await world.deliver(message)
    again = await world.look(started.saga_id)
    assert (again.status, again.kept, again.finished_at) == (found.status, found.kept, found.finished_at)
    await assert_atomic(world, trip, again)


async def test_the_common_case_takes_one_message_each_way_per_step(world: World) -> None:
    trip = await world.want()
    started = await world.start(trip, "first")
    found = await world.settle(started.saga_id)
    await assert_atomic(world, trip, found)
    assert found.status == "completed" and len(world.sent) == 6
    assert found.results["room"]["room_id"] == str(trip.room_id)


async def test_a_cancellation_that_overtakes_its_order_forbids_it(world: World) -> None:
    trip = await world.want()
    started = await world.start(trip, "first")
    (order,) = world.in_flight
    world.in_flight.clear()
    await world.let_time_pass(whole=True)
    found = await world.settle(started.saga_id)
    assert (found.status, found.reason) == ("compensated", "no_answer")
    await world.deliver(order)
    (answer,) = world.in_flight
    assert (answer.event.outcome, answer.event.room_id) == ("cancelled", None)
    assert await world.made(trip) == ("open", [], [], 0)
    await assert_atomic(world, trip, await world.look(started.saga_id))


async def test_what_somebody_has_touched_is_kept_and_reported(world: World) -> None:
    trip = await world.want()
    await world.rows("airline", "insert into planes (is_full) values (true)")
    started = await world.start(trip, "first")
    await world.deliver(world.in_flight.pop())
    await world.rows("hotel", "update rooms set is_touched = true")
    found = await world.settle(started.saga_id)
    assert (found.status, found.reason, found.detail) == ("compensated", "plane_full", "The plane is full.")
    assert [(kept.object, kept.id, kept.reason) for kept in found.kept] == [("room", trip.room_id, "touched")]


async def test_a_refusal_leaves_nothing_of_what_its_step_had_begun(world: World) -> None:
    trip = await world.want()
    await world.rows("hotel", "insert into houses (is_full, is_out_of_paper) values (true, false)")
    found = await world.settle((await world.start(trip, "first")).saga_id)
    assert (found.status, found.reason) == ("compensated", "hotel_full")
    assert await world.made(trip) == ("open", [], [], 0)


async def test_an_unanswered_order_is_sent_four_times_and_then_taken_back(world: World) -> None:
    trip = await world.want()
    started = await world.start(trip, "first")
    for _ in range(4):
        await world.let_time_pass()
    assert [message.event.TYPE.split(".")[3] for message in world.sent] == ["reserve_room"] * 4 + ["cancel_room"]
    assert len({message.envelope.id for message in world.sent}) == 5
    assert (await world.look(started.saga_id)).status == "compensating"


async def test_a_cancellation_after_the_point_of_no_return_leads_forward(world: World) -> None:
    trip = await world.want()
    started = await world.start(trip, "first")
    for _ in range(3):  # the room, its answer, the seat
        await world.deliver(world.in_flight.pop(0))
    world.in_flight.clear()  # the seat's answer is lost
    for _ in range(4):
        await world.let_time_pass()
    assert (await world.look(started.saga_id)).status == "compensating"
    world.in_flight[:] = [each for each in world.in_flight if each.event.TYPE.endswith("cancel_seat.v1")]
    found = await world.settle(started.saga_id)
    assert found.status == "completed"
    await assert_atomic(world, trip, found)


async def test_past_the_point_of_no_return_a_refused_step_is_ordered_until_it_is_granted(world: World) -> None:
    trip = await world.want()
    await world.rows("hotel", "insert into houses (is_full, is_out_of_paper) values (false, true)")
    started = await world.start(trip, "first")
    for _ in range(12):
        while world.in_flight:
            await world.deliver(world.in_flight.pop(0))
        await world.let_time_pass(whole=True)
    assert (await world.look(started.saga_id)).step == "voucher"
    await world.rows("hotel", "update houses set is_out_of_paper = false")
    await assert_atomic(world, trip, await world.settle(started.saga_id))


async def test_the_end_is_repeated_until_the_subject_takes_it(world: World) -> None:
    trip = await world.want()
    started = await world.start(trip, "first")
    await world.rows("desk", "alter table trips add constraint broken check (status <> 'booked')")
    for _ in range(4):
        while world.in_flight:
            await world.deliver(world.in_flight.pop(0))
        await world.let_time_pass(whole=True)
    waiting = await world.look(started.saga_id)
    assert (waiting.status, waiting.step, waiting.is_at_rest) == ("running", None, False)
    await world.rows("desk", "alter table trips drop constraint broken")
    found = await world.settle(started.saga_id)
    assert found.status == "completed"
    await assert_atomic(world, trip, found)


async def test_one_saga_that_cannot_be_chased_does_not_stop_the_others(world: World) -> None:
    broken, trip = await world.want(), await world.want()
    await world.start(broken, "broken")
    world.in_flight.clear()
    started = await world.start(trip, "fine")
    await world.rows("desk", "update sagas set input = '{}' where request_key = 'broken'")
    before = len(world.sent)
    await world.let_time_pass()
    assert [message.event.trip_id for message in world.sent[before:]] == [trip.id]
    assert (await world.settle(started.saga_id)).status == "completed"
    assert isinstance(world.sent[0].event, Command)
