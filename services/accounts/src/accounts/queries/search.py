from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.domain.search import TRIGRAM, fold, needles
from accounts.models import Account, Contact
from accounts.queries.views import SearchHit, SearchResult
from accounts.queries.visibility import visible_accounts, visible_contacts
from chassis.access import Access


def found_in(model: type[Account] | type[Contact], words: str) -> ColumnElement[bool]:
    """Every word must occur somewhere, whatever its accents.

    The trigram index serves words of three characters or more; a query without any is the beginning of a name, which
    the index on the folded name serves.
    """
    groups = needles(words)
    if not groups:
        return false()
    long = [group for group in groups if any(len(spelling) >= TRIGRAM for spelling in group)]
    if not long:
        return model.search_key.startswith(fold(words), autoescape=True)
    return and_(
        *(or_(*(model.search_text.contains(spelling, autoescape=True) for spelling in group)) for group in groups)
    )


async def search(
    session: AsyncSession, accounts: Access | None, contacts: Access | None, words: str, limit: int
) -> SearchResult:
    """Names that begin with the words come first, then the alphabet; accounts and contacts in turn."""
    hits: list[SearchHit] = []
    if accounts is not None:
        statement = select(Account).where(visible_accounts(accounts), found_in(Account, words))
        hits += [_account_hit(row) for row in await session.scalars(_best_first(statement, Account, words, limit))]
    if contacts is not None:
        people = select(Contact).where(visible_contacts(contacts), found_in(Contact, words))
        hits += [_contact_hit(row) for row in await session.scalars(_best_first(people, Contact, words, limit))]
    start = fold(words)
    hits.sort(key=lambda hit: (not fold(hit.label).startswith(start), fold(hit.label)))
    return SearchResult(items=hits[:limit])


def _best_first(statement: Select[Any], model: type[Account] | type[Contact], words: str, limit: int) -> Select[Any]:
    starts = model.search_key.startswith(fold(words), autoescape=True)
    return statement.order_by(starts.desc(), model.search_key, model.id).limit(limit)


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
