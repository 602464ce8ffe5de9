"""Three services in one package: the desk owns the saga, the hotel and the airline do its steps.

Nothing here is unique but the ids of sagas: whatever is done twice shows.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import MetaData, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bookings.messages import (
    CancelRoom,
    CancelSeat,
    CancelVoucher,
    ReserveRoom,
    ReserveSeat,
    RoomReserved,
    SeatReserved,
    SendVoucher,
    VoucherSent,
)
from chassis.access import Policy
from chassis.db import new_metadata
from chassis.errors import Conflict
from chassis.saga.definition import Progress, Saga, Step
from chassis.saga.owner import Started, orchestrate, start
from chassis.saga.participant import Refused, participate
from chassis.saga.status import saga_worker
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.subscriptions import Subscriptions
from contracts.event import Kept

PATIENCE = timedelta(seconds=float(os.environ.get("BOOKINGS_PATIENCE", "10")))


class Desk(DeclarativeBase):
    metadata = new_metadata()


class Hotel(DeclarativeBase):
    metadata = new_metadata()


class Airline(DeclarativeBase):
    metadata = new_metadata()


class Trip(Desk):
    __tablename__ = "trips"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    reason: Mapped[str | None]


class Room(Hotel):
    __tablename__ = "rooms"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    trip_id: Mapped[UUID]
    is_touched: Mapped[bool] = mapped_column(default=False)


class Voucher(Hotel):
    __tablename__ = "vouchers"
    number: Mapped[int] = mapped_column(primary_key=True)
    trip_id: Mapped[UUID]


class House(Hotel):
    """Whether the hotel is full (one row), and whether its printer is out of paper."""

    __tablename__ = "houses"
    id: Mapped[int] = mapped_column(primary_key=True)
    is_full: Mapped[bool]
    is_out_of_paper: Mapped[bool]


class Seat(Airline):
    __tablename__ = "seats"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    trip_id: Mapped[UUID]


class Plane(Airline):
    __tablename__ = "planes"
    id: Mapped[int] = mapped_column(primary_key=True)
    is_full: Mapped[bool]


# --- the desk


def order_room(trip: Progress) -> ReserveRoom:
    return trip.order(ReserveRoom, trip_id=trip.subject_id, room_id=trip.input["room_id"])


def order_seat(trip: Progress) -> ReserveSeat:
    return trip.order(ReserveSeat, trip_id=trip.subject_id, seat_id=trip.input["seat_id"])


def order_voucher(trip: Progress) -> SendVoucher:
    return trip.order(SendVoucher, trip_id=trip.subject_id)


async def book(session: AsyncSession, trip: Progress) -> None:
    await _settle(session, trip, "booked")


async def give_up(session: AsyncSession, trip: Progress) -> None:
    await _settle(session, trip, "open")


async def _settle(session: AsyncSession, trip: Progress, status: str) -> None:
    await session.execute(update(Trip).where(Trip.id == trip.subject_id).values(status=status, reason=trip.reason))


BOOKING = Saga(
    "trip-booking",
    steps=(
        Step("room", order_room, CancelRoom, RoomReserved, patience=PATIENCE),
        Step("seat", order_seat, CancelSeat, SeatReserved, is_pivot=True, patience=PATIENCE),
        Step("voucher", order_voucher, CancelVoucher, VoucherSent, patience=PATIENCE),
    ),
    completed=book,
    compensated=give_up,
)


async def start_booking(session: AsyncSession, trip_id: UUID, key: str, room_id: UUID, seat_id: UUID) -> Started:
    ids = {"room_id": str(room_id), "seat_id": str(seat_id)}
    started = await start(session, BOOKING, subject_id=trip_id, request_key=key, input={**ids})
    if started.is_new:
        await session.execute(update(Trip).where(Trip.id == trip_id).values(status="booking", reason=None))
    return started


desk_hears, hotel_hears, airline_hears = Subscriptions(), Subscriptions(), Subscriptions()
orchestrate(desk_hears, BOOKING)

# --- the hotel


class HotelFull(Conflict):
    code = "hotel_full"
    title = "No room is left"


async def close_room(session: AsyncSession, order: CancelRoom, made: RoomReserved) -> Sequence[Kept]:
    mine = Room.id == made.room_id
    await session.execute(delete(Room).where(mine, Room.is_touched.is_(False)))
    left = (await session.execute(select(Room.id).where(mine))).scalars()
    return [Kept(object="room", id=each, reason="touched") for each in left]


@participate(hotel_hears, ReserveRoom, reply=RoomReserved, cancel=CancelRoom, undo=close_room)
async def reserve_room(session: AsyncSession, order: ReserveRoom) -> dict[str, Any]:
    await session.execute(insert(Room).values(id=order.room_id, trip_id=order.trip_id))
    # Only now: what was changed before a refusal must not stay.
    if (await session.execute(select(func.bool_or(House.is_full)))).scalar_one():
        raise HotelFull
    return {"room_id": order.room_id}


async def recall_voucher(session: AsyncSession, order: CancelVoucher, made: VoucherSent) -> Sequence[Kept]:
    raise AssertionError("what comes after the pivot is never cancelled")


@participate(hotel_hears, SendVoucher, reply=VoucherSent, cancel=CancelVoucher, undo=recall_voucher)
async def send_voucher(session: AsyncSession, order: SendVoucher) -> None:
    if (await session.execute(select(func.bool_or(House.is_out_of_paper)))).scalar_one():
        raise Refused("out_of_paper")
    await session.execute(insert(Voucher).values(trip_id=order.trip_id))


# --- the airline


@participate(airline_hears, ReserveSeat, reply=SeatReserved, cancel=CancelSeat)
async def reserve_seat(session: AsyncSession, order: ReserveSeat) -> dict[str, Any]:
    if (await session.execute(select(func.bool_or(Plane.is_full)))).scalar_one():
        raise Refused("plane_full", "The plane is full.")
    await session.execute(insert(Seat).values(id=order.seat_id, trip_id=order.trip_id))
    return {"seat_id": order.seat_id}


def _service(name: str, metadata: MetaData, subscriptions: Subscriptions, **values: Any) -> Service:
    return Service(
        name, ServiceSettings, APIRouter(), Policy({}), metadata, subscriptions, package="bookings", **values
    )


SERVICES = {
    "desk": _service("desk", Desk.metadata, desk_hears, workers=(saga_worker(BOOKING),)),
    "hotel": _service("hotel", Hotel.metadata, hotel_hears),
    "airline": _service("airline", Airline.metadata, airline_hears),
}
