"""How a run by several processes is shared out: `pytest -n 3`, as `make test` does it."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Whole systems and clocks: one after another, when the other workers have nothing left to do.
ALONE = (
    "libs/devstack/tests/test_supervisor.py",
    "tests/chaos/test_invariants_under_faults.py",
    "tests/integration/",
)
# Share servers that take long to start.
TOGETHER = ("tests/security/",)
# Minutes in one file: begun last, they would be waited for with all other cores idle.
LONGEST = (
    "tests/services/",
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
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Turns:
    config.option.loadscopereorder = False
    return Turns(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    if nodeid.startswith(ALONE):
        return 2
    return 0 if nodeid.startswith(LONGEST) else 1
