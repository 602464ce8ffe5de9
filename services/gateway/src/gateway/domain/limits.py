"""How much one caller may send: requests per second, and bytes per request."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Allowance:
    """`burst` requests at once, then `rate` a second."""

    rate: float
    burst: int


def admit(whole_at: float, now: float, allowance: Allowance) -> tuple[float, float]:
    """GCRA: the moment at which the allowance is whole again, and the seconds to wait (0.0: admitted)."""
    step = 1.0 / allowance.rate
    next_whole_at = max(whole_at, now) + step
    wait = next_whole_at - now - step * allowance.burst
    # The tolerance absorbs what floats lose when steps are added up.
    return (next_whole_at, 0.0) if wait <= 1e-9 else (whole_at, wait)


@dataclass(frozen=True)
class BodyLimits:
    """Bytes; the longest prefix decides."""

    default: int
    by_prefix: dict[str, int]

    def of(self, path: str) -> int:
        for prefix in sorted(self.by_prefix, key=len, reverse=True):
            if path == prefix or path.startswith(prefix + "/"):
                return self.by_prefix[prefix]
        return self.default
