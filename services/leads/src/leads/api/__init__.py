"""The service's routes, one module for each kind of record."""

from fastapi import APIRouter

from leads.api import forms, leads, queues, statuses

router = APIRouter()
for part in (leads, queues, statuses, forms):
    router.include_router(part.router)
