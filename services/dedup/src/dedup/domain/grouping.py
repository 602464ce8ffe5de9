"""From pairs to sets: which records belong together, and which of the sets that exist already they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from .score import Reason

# Chains of pairs join what has nothing in common; a set that a person can judge is smaller anyway, and its event, which
# names all members now and before, has to fit into a record.
LARGEST_SET = 25


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that are probably the same, `one` < `other`."""

    one: UUID
    other: UUID
    score: float
    reasons: tuple[Reason, ...] = ()

    @classmethod
    def of(cls, first: UUID, second: UUID, score: float, reasons: Iterable[Reason] = ()) -> "Pair":
        return cls(min(first, second), max(first, second), score, tuple(reasons))


@dataclass(frozen=True, slots=True)
class Regrouped:
    """`kept` and `fresh` hold sorted members; a set in neither has lost its meaning."""

    kept: dict[UUID, tuple[UUID, ...]]
    fresh: list[tuple[UUID, ...]]
    expired: list[UUID]


def components(pairs: Iterable[Pair], largest: int = LARGEST_SET) -> list[tuple[UUID, ...]]:
    """Connected records, surest pairs first; a pair that would make a set too large is left out."""
    group_of: dict[UUID, set[UUID]] = {}
    for pair in sorted(pairs, key=lambda pair: (-pair.score, pair.one, pair.other)):
        left = group_of.setdefault(pair.one, {pair.one})
        right = group_of.setdefault(pair.other, {pair.other})
        if left is not right and len(left) + len(right) <= largest:
            left |= right
            group_of.update(dict.fromkeys(right, left))
    groups = {id(group): group for group in group_of.values()}
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def regroup(existing: Mapping[UUID, Iterable[UUID]], groups: Iterable[tuple[UUID, ...]]) -> Regrouped:
    """The oldest set keeps its identity in the group that shares most members with it."""
    free = dict.fromkeys(groups)
    kept: dict[UUID, tuple[UUID, ...]] = {}
    expired = []
    for set_id in sorted(existing):
        members = set(existing[set_id])
        best = max(free, key=lambda group: len(members & set(group)), default=())
        if members & set(best):
            kept[set_id] = best
            del free[best]
        else:
            expired.append(set_id)
    return Regrouped(kept, list(free), expired)


def best_pairs(groups: Iterable[tuple[UUID, ...]], pairs: Iterable[Pair]) -> dict[UUID, Pair]:
    """For each member of a group the surest pair with another member of it."""
    group_of = {member: at for at, group in enumerate(groups) for member in group}
    best: dict[UUID, Pair] = {}
    for pair in pairs:
        if group_of.get(pair.one, -1) == group_of.get(pair.other, -2):
            for side in (pair.one, pair.other):
                best[side] = max(best.get(side, pair), pair, key=lambda each: (each.score, each.one, each.other))
    return best
