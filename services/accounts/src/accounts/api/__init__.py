from fastapi import APIRouter

from accounts.api import accounts, contacts, imports, search

router = APIRouter()
for part in (accounts, contacts, search, imports):
    router.include_router(part.routes)
