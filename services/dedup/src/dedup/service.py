from chassis.access import Policy, Scope
from chassis.service import Service
from dedup.api import router
from dedup.consumers import subscriptions
from dedup.consumers.upkeep import workers
from dedup.models import Base
from dedup.queries.sets import DUPLICATE_SETS
from dedup.settings import DedupSettings

EVERYBODY = dict.fromkeys(("sales_manager", "sales", "marketing", "verifier", "read_only"), Scope.ALL)

POLICY = Policy(
    {
        "claim": {"create": {"service": Scope.ALL, "admin": Scope.NONE}},
        "check": {"create": EVERYBODY},
        "rule": {"read": EVERYBODY, "update": {}},
        # A set is one's own when one of its records is.
        "duplicate_set": {
            "read": EVERYBODY,
            "dismiss": {"sales_manager": Scope.ALL, "verifier": Scope.ALL, "sales": Scope.OWN},
        },
    }
)

service = Service(
    name="dedup",
    settings=DedupSettings,
    router=router,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(DUPLICATE_SETS,),
    workers=workers,
)
