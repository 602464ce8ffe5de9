from fastapi import APIRouter

from chassis.access import Policy
from gateway.api import pages, session

# The gateway holds no records: each service decides what the caller may do.
POLICY = Policy({})

router = APIRouter()
router.include_router(session.router)
# Last, since it answers to every address.
router.include_router(pages.router)
