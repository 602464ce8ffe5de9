"""Named places where a test can end the process, as a crash at just that moment would.

MERIDIAN_FAILPOINTS="relay.after_send=3,intake.in_transaction=1" kills this process with SIGKILL when it comes to
`relay.after_send` for the third time, or to the other for the first. Without the variable nothing is armed, and a
failpoint costs one look at an empty dictionary. Production (`MERIDIAN_ENVIRONMENT=production`) never arms any.
"""

import os
import signal
from collections.abc import Mapping

VARIABLE = "MERIDIAN_FAILPOINTS"
NAMES = (
    "relay.after_fetch",
    "relay.after_send",
    "relay.before_delete",
    "relay.after_delete",
    "intake.after_fetch",
    "intake.in_transaction",
    "intake.after_commit",
    "intake.after_report",
    "reactor.after_claim",
    "reactor.in_transaction",
    "reactor.after_commit",
    "due.after_claim",
    "due.in_transaction",
    "due.after_commit",
    "unit.before_commit",
    "unit.after_commit",
)

_left: dict[str, int] = {}


def arm(environment: Mapping[str, str] = os.environ) -> None:
    """Reads the variable; at import for every process, again by one that was forked with another environment.

    Raises ValueError for a name that is not in NAMES or a count that is no positive number.
    """
    _left.clear()
    text = environment.get(VARIABLE, "")
    if text and environment.get("MERIDIAN_ENVIRONMENT") != "production":
        _left.update(_parsed(part) for part in text.split(","))


def _parsed(part: str) -> tuple[str, int]:
    name, _, count = part.partition("=")
    if name not in NAMES or int(count) < 1:
        raise ValueError(f"{VARIABLE}: no such failpoint: {part!r}")
    return name, int(count)


def failpoint(name: str) -> None:
    """Does nothing, unless armed: then the n-th hit is the last thing that this process does."""
    if _left:
        _count_down(name)


def _count_down(name: str) -> None:
    if name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.write(2, f"failpoint {name}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


arm()
