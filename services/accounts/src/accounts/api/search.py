from typing import Annotated, Literal

from fastapi import APIRouter, Query

from accounts.queries.search import search
from accounts.queries.views import SearchResult
from chassis.access import Access, allow
from chassis.db import Reader
from chassis.http import router

routes: APIRouter = router("accounts")


@routes.get("/search", tags=["search"])
async def search_everything(
    session: Reader,
    accounts: Annotated[Access, allow("account", "read")],
    contacts: Annotated[Access, allow("contact", "read")],
    q: Annotated[
        str, Query(min_length=1, max_length=200, description="Name, phone, e-mail or tax number, or parts of them.")
    ],
    object: Annotated[Literal["account", "contact"] | None, Query(description="Only these.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> SearchResult:
    """Accounts and contacts by any of name, phone, e-mail and tax number; accents and separators do not matter."""
    return await search(
        session,
        accounts if object != "contact" else None,
        contacts if object != "account" else None,
        q,
        limit,
    )
