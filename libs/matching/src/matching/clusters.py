"""Pairs to sets: connected records as a first cut, average linkage inside, pairs that must not be joined kept apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .model import Floats
from .table import Ints

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linkage:
    """`join`: bits from which a pair connects. `missing`: bits of a pair that no key brought together.

    More bits than `most` and fewer than `least` do not count. Sets above `largest` stay as they are connected.
    """

    join: float = 0.0
    missing: float = -3.0
    most: float = 12.0
    least: float = -12.0
    largest: int = 3_000


def clusters(
    size: int,
    left: Ints,
    right: Ints,
    bits: Floats,
    rules: Linkage | None = None,
    cannot_link: Iterable[tuple[int, int]] = (),
) -> Labels:
    """A set number for each of `size` records: the smallest record number of its set.

    Inside a connected set records are joined while the average evidence between two groups is above zero, so one
    wrong pair does not join two customers (UPGMA; a pair without evidence counts `missing`). Records of `cannot_link`
    never share a set.
    """
    rules = rules or Linkage()
    apart = np.array(sorted({(min(pair), max(pair)) for pair in cannot_link}), np.int64).reshape(-1, 2)
    forbidden = set(map(tuple, apart.tolist()))
    joined = bits >= rules.join
    labels = _components(size, left[joined], right[joined])
    order = np.argsort(labels, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(labels))[:-1])
    edges = _edges_by_component(labels, left, right, bits)
    for component, group in enumerate(members):
        if 2 < len(group) <= rules.largest or (len(group) == 2 and forbidden):
            _split(labels, group, edges(component), rules, forbidden)
    return _smallest_member(labels)


def _components(size: int, left: Ints, right: Ints) -> Labels:
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


class _edges_by_component:
    def __init__(self, labels: Labels, left: Ints, right: Ints, bits: Floats) -> None:
        inside = labels[left] == labels[right]
        order = np.argsort(labels[left[inside]], kind="stable")
        self.left, self.right = left[inside][order], right[inside][order]
        self.bits = bits[inside][order]
        self.ends = np.searchsorted(labels[self.left], np.arange(labels.max(initial=-1) + 2))

    def __call__(self, component: int) -> tuple[Ints, Ints, Floats]:
        part = slice(self.ends[component], self.ends[component + 1])
        return self.left[part], self.right[part], self.bits[part]


def _split(
    labels: Labels,
    group: Labels,
    edges: tuple[Ints, Ints, Floats],
    rules: Linkage,
    forbidden: set[tuple[int, ...]],
) -> None:
    left, right, bits = edges
    size = len(group)
    apart = [pair for pair in forbidden if labels[pair[0]] == labels[pair[1]] == labels[group[0]]] if forbidden else []
    if len(left) == size * (size - 1) // 2 and bits.min() >= 0 and not apart:
        return
    evidence = np.full((size, size), rules.missing)
    one, other = np.searchsorted(group, left), np.searchsorted(group, right)
    evidence[one, other] = evidence[other, one] = np.clip(bits, rules.least, rules.most)
    for pair in apart:
        at = np.searchsorted(group, pair)
        # more than all other pairs of the set can outweigh
        evidence[at[0], at[1]] = evidence[at[1], at[0]] = -rules.most * size * size
    distances = (rules.most - evidence)[np.triu_indices(size, 1)]
    parts = fcluster(linkage(distances, "average"), t=rules.most, criterion="distance")
    labels[group] = np.where(parts == 1, labels[group], labels.max() + parts)


def _smallest_member(labels: Labels) -> Labels:
    _, first, back = np.unique(labels, return_index=True, return_inverse=True)
    smallest: Labels = first[back].astype(np.int64)
    return smallest


def one_to_one(left: Ints, right: Ints, bits: Floats) -> npt.NDArray[np.bool_]:
    """Which pairs remain when each record of two lists without duplicates has at most one partner: the surest first."""
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    kept = np.zeros(len(left), bool)
    for at in np.lexsort((right, left, -bits)).tolist():
        if left[at] not in taken_left and right[at] not in taken_right:
            taken_left.add(int(left[at]))
            taken_right.add(int(right[at]))
            kept[at] = True
    return kept
