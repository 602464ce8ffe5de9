from contextlib import suppress

from sqlalchemy.exc import DBAPIError

from chassis.access import Policy, Scope
from chassis.service import Runtime, Service
from leads.api import router
from leads.commands.places import default_queue
from leads.consumers import subscriptions
from leads.consumers.later import workers
from leads.models import Base
from leads.queries.forms import FORMS, SUBMISSIONS
from leads.queries.leads import LEADS
from leads.queries.queues import QUEUES
from leads.settings import LeadSettings

EVERYBODY = dict.fromkeys(("sales_manager", "sales", "marketing", "verifier", "read_only"), Scope.ALL)
ENTER = dict.fromkeys(("sales_manager", "sales", "marketing", "service"), Scope.ALL)
WORK = {"sales_manager": Scope.TEAM, "marketing": Scope.ALL, "sales": Scope.OWN}

POLICY = Policy(
    {
        "lead": {"read": EVERYBODY, "create": ENTER, "update": WORK, "assign": WORK, "delete": WORK},
        # Taking needs membership besides.
        "queue": {
            "read": EVERYBODY,
            "take": dict.fromkeys(("sales_manager", "sales", "marketing"), Scope.ALL),
            "manage": {"sales_manager": Scope.ALL},
        },
        "status": {"read": EVERYBODY, "update": {}},
        "form": {"read": EVERYBODY, "manage": {"marketing": Scope.ALL}},
        "submission": {"read": ENTER},
    }
)


async def make_default_queue(runtime: Runtime) -> None:
    """A database that is away or not migrated yet shall not stop the start: the first lead makes the queue as well."""
    with suppress(DBAPIError, OSError):
        async with runtime.db.transaction() as session:
            await default_queue(session)


service = Service(
    name="leads",
    settings=LeadSettings,
    router=router,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(LEADS, QUEUES, FORMS, SUBMISSIONS),
    workers=workers,
    on_start=make_default_queue,
)
