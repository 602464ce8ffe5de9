from chassis.access import Policy, Scope
from chassis.http import router as service_router
from identity.api import desk, me, sessions, teams, users

EVERYBODY = dict.fromkeys(("sales_manager", "sales", "marketing", "verifier", "read_only", "service"), Scope.ALL)

# Everybody picks owners and assignees from these lists; only administrators (who have every right) change them.
POLICY = Policy(
    {
        "user": {"read": EVERYBODY, "create": {}, "update": {}},
        "team": {"read": EVERYBODY, "create": {}, "update": {}, "delete": {}},
    }
)

router = service_router("identity")
for part in (sessions, me, desk, users, teams):
    router.include_router(part.router)
