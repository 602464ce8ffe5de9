from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.domain.search import TRIGRAM, fold, needles
from accounts.models import Account, Contact
from accounts.queries.views import SearchHit, SearchResult
from accounts.queries.visibility import visible_accounts, visible_contacts
from chassis.access import Access

# A word that stands in thousands of records is no search yet: so many of them are put in order, not all.
BROAD = 500
# Folded text is ASCII and its column sorts by bytes, so everything that begins with a text lies below text + this.
LAST = "\x7f"


def found_in(model: type[Account] | type[Contact], words: str) -> ColumnElement[bool]:
    """Every word must occur somewhere, whatever its accents.

    The trigram index serves words of three characters or more; a query without any is the beginning of a name, which
    the index on the folded name serves.
    """
    groups = needles(words)
    if not groups:
        return false()
    if not _has_trigram(groups):
        return _begins(model, words)
    return and_(
        *(or_(*(model.search_text.contains(spelling, autoescape=True) for spelling in group)) for group in groups)
    )


def _has_trigram(groups: list[list[str]]) -> bool:
    return any(len(spelling) >= TRIGRAM for group in groups for spelling in group)


def _begins(model: type[Account] | type[Contact], words: str) -> ColumnElement[bool]:
    start = fold(words)
    return and_(model.search_key >= start, model.search_key < start + LAST)


async def search(
    session: AsyncSession, accounts: Access | None, contacts: Access | None, words: str, limit: int
) -> SearchResult:
    """Names that begin with the words come first; accounts and contacts stand in one alphabet."""
    if not needles(words):
        return SearchResult(items=[])
    found: list[tuple[bool, str, SearchHit]] = []
    if accounts is not None:
        rows = await _best(session, Account, visible_accounts(accounts), words, limit)
        found += [(inner, row.search_key, _account_hit(row)) for inner, row in rows]
    if contacts is not None:
        rows = await _best(session, Contact, visible_contacts(contacts), words, limit)
        found += [(inner, row.search_key, _contact_hit(row)) for inner, row in rows]
    found.sort(key=lambda hit: hit[:2])
    return SearchResult(items=[hit for _, _, hit in found[:limit]])


async def _best(
    session: AsyncSession, model: type[Any], visible: ColumnElement[bool], words: str, limit: int
) -> list[tuple[bool, Any]]:
    """(False, row) for names that begin with the words, then (True, row) for the others, each in order of names."""
    begins = _begins(model, words)
    order = (model.search_key, model.id)
    heads = select(model).where(visible, begins).order_by(*order).limit(limit)
    rows = [(False, row) for row in await session.scalars(heads)]
    if len(rows) < limit and _has_trigram(needles(words)):
        some = select(model.id).where(visible, found_in(model, words), not_(begins)).limit(BROAD).subquery()
        inner = select(model).where(model.id.in_(select(some.c.id))).order_by(*order).limit(limit - len(rows))
        rows += [(True, row) for row in await session.scalars(inner)]
    return rows


def _account_hit(account: Account) -> SearchHit:
    where = ", ".join(filter(None, (account.site, account.billing_street, account.billing_city)))
    return SearchHit(
        object="account",
        id=account.id,
        label=account.name,
        kind=account.kind,
        detail=where or None,
        email=account.email,
        phone=account.phone,
        owner_id=account.owner_id,
    )


def _contact_hit(contact: Contact) -> SearchHit:
    return SearchHit(
        object="contact",
        id=contact.id,
        label=contact.name,
        detail=contact.title,
        email=contact.email,
        phone=contact.phone or contact.mobile,
        account_id=contact.account_id,
        owner_id=contact.owner_id,
    )
