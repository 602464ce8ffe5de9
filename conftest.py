"""How a run by several processes is shared out: `pytest -n 3`, as `make test` does it."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Whole systems: one after another, when the other workers have little left to do. The supervisor's tests, with
# stand-ins for the services, and the faults, which wait most of the time, run beside them.
SUPERVISOR = "libs/devstack/tests/test_supervisor.py"
FAULTS = "tests/chaos/test_invariants_under_faults.py"
ALONE = ("tests/browser/", "tests/integration/")
# Share what takes long: servers of their own; all services in one process.
TOGETHER = {"tests/security/": "security", "tests/services/": "services", "tests/web/": "services"}
# Minutes in one file: begun last, they would be waited for with all other cores idle.
LONGEST = (
    "tests/services/",
    "tests/web/",
    "tests/security/",
    "examples/",
    "libs/cli/tests/test_new_service.py",
    "libs/chassis/tests/",
)


class Turns(LoadFileScheduling):
    """A file is done by one worker, in the order of collection; what wants the machine to itself comes last."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ALONE):
            return "alone"
        shared = (name for folder, name in TOGETHER.items() if nodeid.startswith(folder))
        return next(shared, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Turns:
    config.option.loadscopereorder = False
    return Turns(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    for turn, kind in ((3, ALONE), (2, (SUPERVISOR, FAULTS)), (0, LONGEST)):
        if nodeid.startswith(kind):
            return turn
    return 1
