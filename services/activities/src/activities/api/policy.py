from chassis.access import Policy, Scope

POLICY = Policy(
    {
        "activity": {
            "read": dict.fromkeys(
                ("sales_manager", "sales", "marketing", "verifier", "read_only", "service"), Scope.ALL
            ),
            "create": dict.fromkeys(("sales_manager", "sales", "marketing", "verifier", "service"), Scope.ALL),
            "update": {
                "sales_manager": Scope.TEAM,
                "sales": Scope.OWN,
                "marketing": Scope.OWN,
                "verifier": Scope.OWN,
                "service": Scope.ALL,
            },
            "delete": {"sales_manager": Scope.TEAM, "sales": Scope.OWN, "marketing": Scope.OWN, "verifier": Scope.OWN},
        }
    }
)
"""Own means: written by, or assigned to, the caller. Private contacts are decided by the queries, for every role."""
