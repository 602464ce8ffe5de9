"""Contacts name their company; where exactly one account answers to that name or tax number, they are tied to it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import or_, select

from accounts.commands.imports.prepare import Prepared
from accounts.domain.rows import Problem
from accounts.domain.search import compact, search_key
from accounts.domain.verification import BUSINESS
from accounts.models import Account, Contact
from chassis.service import Runtime

NOT_FOUND = "The account was not found; the contact is private to its owner until it is tied to one."
SEVERAL = "Several accounts answer to this; the contact is private to its owner until it is tied to one."


async def link_to_accounts(runtime: Runtime, prepared: Sequence[Prepared]) -> None:
    wanted = [row for row in prepared if row.link and isinstance(row.record, Contact)]
    if not wanted:
        return
    by_number, by_name = await _accounts(runtime, wanted)
    for row in wanted:
        found = by_number.get(_number(row), set()) or by_name.get(_name(row), set())
        if len(found) == 1 and isinstance(row.record, Contact):
            [row.record.account_id] = found
        else:
            row.problems.append(_not_linked(row, found))


async def _accounts(runtime: Runtime, wanted: Iterable[Prepared]) -> tuple[dict[str, set[UUID]], dict[str, set[UUID]]]:
    names = {_name(row) for row in wanted} - {""}
    numbers = {_number(row) for row in wanted} - {""}
    statement = select(Account.id, Account.search_key, Account.tax_number).where(
        Account.deleted_at.is_(None),
        Account.kind == BUSINESS,
        or_(Account.search_key.in_(names), Account.tax_number.in_(numbers)),
    )
    by_number: dict[str, set[UUID]] = {}
    by_name: dict[str, set[UUID]] = {}
    async with runtime.db.read() as session:
        for account_id, name, number in await session.execute(statement):
            by_name.setdefault(name, set()).add(account_id)
            by_number.setdefault(number or "", set()).add(account_id)
    by_number.pop("", None)
    return by_number, by_name


def _number(row: Prepared) -> str:
    return compact(row.link.get("account_tax_number", "")).upper()


def _name(row: Prepared) -> str:
    return search_key(row.link.get("account_name", ""))


def _not_linked(row: Prepared, found: set[UUID]) -> Problem:
    field = "account_name" if "account_name" in row.link else "account_tax_number"
    code, detail = ("account_ambiguous", SEVERAL) if found else ("account_not_found", NOT_FOUND)
    return Problem("/account_id", None, code, detail, row.link[field])
