from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from accounts.domain.hierarchy import MAX_DEPTH
from accounts.models import Account, Contact
from accounts.queries.errors import AccountNotFound, ContactNotFound
from accounts.queries.items import account_item, contact_item, select_accounts, select_contacts
from accounts.queries.views import TreeNode, TreeView
from accounts.queries.visibility import visible_accounts, visible_contacts
from chassis.access import Access
from chassis.listing import Listing, Page, paginate


async def account_by_id(session: AsyncSession, access: Access, account_id: UUID) -> Account:
    statement = select(Account).where(Account.id == account_id, visible_accounts(access))
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise AccountNotFound()
    return found


async def contact_by_id(session: AsyncSession, access: Access, contact_id: UUID) -> Contact:
    statement = select(Contact).where(Contact.id == contact_id, visible_contacts(access))
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise ContactNotFound()
    return found


async def list_accounts(session: AsyncSession, access: Access, listing: Listing, *, deleted: bool) -> Page[Any]:
    statement = select_accounts().where(visible_accounts(access, deleted=deleted))
    return (await paginate(session, statement, Account, listing)).map(account_item)


async def list_contacts(
    session: AsyncSession, access: Access, listing: Listing, *, account_id: UUID | None = None, deleted: bool = False
) -> Page[Any]:
    statement = select_contacts().where(visible_contacts(access, deleted=deleted))
    if account_id is not None:
        statement = statement.where(Contact.account_id == account_id)
    return (await paginate(session, statement, Contact, listing)).map(contact_item)


async def ancestors(session: AsyncSession, account_id: UUID) -> list[UUID]:
    """The account itself, its parent, and so on up; at most MAX_DEPTH + 1 of them."""
    up = (
        select(Account.id, Account.parent_id, literal(0).label("depth"))
        .where(Account.id == account_id)
        .cte(recursive=True)
    )
    parent = aliased(Account)
    chain = up.union_all(
        select(parent.id, parent.parent_id, up.c.depth + 1).where(parent.id == up.c.parent_id, up.c.depth < MAX_DEPTH)
    )
    return list(await session.scalars(select(chain.c.id).order_by(chain.c.depth)))


async def tree_around(session: AsyncSession, access: Access, account_id: UUID) -> TreeView:
    """The whole group in one statement; branches the caller may not see are left out."""
    await account_by_id(session, access, account_id)
    top = await _highest_visible(session, access, await ancestors(session, account_id))
    rows = await session.execute(_below(top, access))
    return TreeView(items=[TreeNode.model_validate(row) for row in rows])


async def _highest_visible(session: AsyncSession, access: Access, chain: list[UUID]) -> UUID:
    """A deleted or hidden parent ends the way up."""
    seen = set(await session.scalars(select(Account.id).where(Account.id.in_(chain), visible_accounts(access))))
    return [*takewhile(seen.__contains__, chain)][-1]


def _below(top: UUID, access: Access) -> Select[Any]:
    visible = visible_accounts(access)
    columns = (Account.id, Account.name, Account.site, Account.parent_id, Account.search_key)
    down = select(*columns, literal(0).label("depth")).where(Account.id == top, visible).cte(recursive=True)
    below = down.union_all(
        select(*columns, down.c.depth + 1).where(Account.parent_id == down.c.id, down.c.depth < MAX_DEPTH, visible)
    )
    return select(below).order_by(below.c.depth, below.c.search_key)
