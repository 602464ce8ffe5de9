"""A trip needs a room and a seat: what the desk orders from the hotel and the airline, and what they answer."""

from typing import ClassVar
from uuid import UUID

from contracts.catalogue import Topic, include
from contracts.event import Command, Reply


class ReserveRoom(Command):
    TYPE: ClassVar[str] = "crm.hotel.commands.reserve_room.v1"
    trip_id: UUID
    room_id: UUID


class CancelRoom(Command):
    TYPE: ClassVar[str] = "crm.hotel.commands.cancel_room.v1"


class RoomReserved(Reply):
    TYPE: ClassVar[str] = "crm.desk.replies.room_reserved.v1"
    room_id: UUID | None = None


class ReserveSeat(Command):
    TYPE: ClassVar[str] = "crm.airline.commands.reserve_seat.v1"
    trip_id: UUID
    seat_id: UUID


class CancelSeat(Command):
    TYPE: ClassVar[str] = "crm.airline.commands.cancel_seat.v1"


class SeatReserved(Reply):
    TYPE: ClassVar[str] = "crm.desk.replies.seat_reserved.v1"
    seat_id: UUID | None = None


class SendVoucher(Command):
    TYPE: ClassVar[str] = "crm.hotel.commands.send_voucher.v1"
    trip_id: UUID


class CancelVoucher(Command):
    TYPE: ClassVar[str] = "crm.hotel.commands.cancel_voucher.v1"


class VoucherSent(Reply):
    TYPE: ClassVar[str] = "crm.desk.replies.voucher_sent.v1"


TOPICS = (
    Topic(
        name="crm.hotel.commands",
        aggregate="commands",
        producer="desk",
        consumers=("hotel",),
        description="Orders to the hotel.",
        classification="none",
        owner="@meridian/hotel",
        events=(ReserveRoom, CancelRoom, SendVoucher, CancelVoucher),
        has_state=False,
        kind="commands",
    ),
    Topic(
        name="crm.airline.commands",
        aggregate="commands",
        producer="desk",
        consumers=("airline",),
        description="Orders to the airline.",
        classification="none",
        owner="@meridian/airline",
        events=(ReserveSeat, CancelSeat),
        has_state=False,
        kind="commands",
    ),
    Topic(
        name="crm.desk.replies",
        aggregate="replies",
        producer="hotel",
        also_written_by=("airline",),
        consumers=("desk",),
        description="Answers to the desk.",
        classification="none",
        owner="@meridian/desk",
        events=(RoomReserved, SeatReserved, VoucherSent),
        has_state=False,
        kind="replies",
    ),
)
include(*TOPICS)
