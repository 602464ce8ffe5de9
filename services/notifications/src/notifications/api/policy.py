from chassis.access import Policy, Scope

_EVERYBODY = dict.fromkeys(("sales_manager", "sales", "marketing", "verifier", "read_only", "service"), Scope.ALL)

POLICY = Policy(
    {
        # Everybody has his own notices and nobody another's, the administrator included: the queries see to that.
        "notification": {"read": _EVERYBODY, "update": _EVERYBODY},
        # Of whose changes the stream tells; private contacts are decided one by one.
        "account": {"read": _EVERYBODY},
        "contact": {"read": _EVERYBODY},
        "lead": {"read": _EVERYBODY},
        "activity": {"read": _EVERYBODY},
        "duplicate_set": {"read": _EVERYBODY},
    }
)
