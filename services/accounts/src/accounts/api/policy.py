"""Who may do what here. Rows not named for a role are none; admin has all; private contacts are narrower still."""

from chassis.access import Policy, Scope

ALL, TEAM, OWN = Scope.ALL, Scope.TEAM, Scope.OWN

_EVERYBODY = {
    "sales_manager": ALL,
    "sales": ALL,
    "marketing": ALL,
    "verifier": ALL,
    "read_only": ALL,
    "service": ALL,
}
_CREATORS = {"sales_manager": ALL, "sales": ALL, "marketing": ALL, "verifier": ALL}
_EDITORS = {"sales_manager": TEAM, "sales": OWN, "marketing": OWN, "verifier": ALL}
_KEEPERS = {"sales_manager": TEAM, "sales": OWN, "marketing": OWN}
_IMPORTERS = {"sales_manager": OWN, "sales": OWN, "marketing": OWN, "verifier": OWN}

POLICY = Policy(
    {
        "account": {
            "read": _EVERYBODY,
            "create": _CREATORS,
            "update": _EDITORS,
            "delete": _KEEPERS,
            "restore": _KEEPERS,
            "assign": _KEEPERS,
            "verify": {"verifier": ALL},
        },
        "contact": {
            "read": _EVERYBODY,
            "create": _CREATORS,
            "update": _EDITORS,
            "delete": _KEEPERS,
            "restore": _KEEPERS,
            "assign": _KEEPERS,
        },
        "import": {
            "read": _IMPORTERS,
            "create": _IMPORTERS,
            "cancel": _IMPORTERS,
        },
    }
)
