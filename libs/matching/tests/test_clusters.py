"""Sets: a wrong pair does not join two customers, what was judged apart stays apart, the order does not matter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.clusters import Linkage, clusters, one_to_one
from matching.evaluation import best_threshold, pair_quality, pairs_inside, set_quality


def sets(size: int, pairs: dict[tuple[int, int], float], **options) -> list[int]:
    left, right = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    return clusters(size, left, right, np.array(list(pairs.values()), float), **options).tolist()


def complete(members: range, bits: float = 10.0) -> dict[tuple[int, int], float]:
    return {(one, other): bits for one in members for other in members if one < other}


def test_one_wrong_pair_does_not_join_two_customers() -> None:
    pairs = complete(range(4)) | complete(range(4, 8)) | {(3, 4): 3.0}
    assert sets(8, pairs) == [0, 0, 0, 0, 4, 4, 4, 4]


def test_a_member_that_only_one_pair_connects_surely_stays() -> None:
    assert sets(3, {(0, 1): 10.0, (1, 2): 10.0}) == [0, 0, 0]


def test_pairs_below_the_limit_do_not_join() -> None:
    assert sets(2, {(0, 1): 1.0}, rules=Linkage(join=2.0)) == [0, 1]


def test_what_was_judged_apart_stays_apart() -> None:
    pairs = complete(range(6), 12.0)
    found = sets(6, pairs, cannot_link=[(0, 5)])
    assert found[0] != found[5]
    assert sets(2, {(0, 1): 50.0}, cannot_link=[(1, 0)]) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]),
        st.integers(-9, 12),
        max_size=25,
    ),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), max_size=4),
    st.randoms(),
)
def test_sets_hold_their_promises(pairs, apart, random) -> None:
    labels = sets(10, pairs, cannot_link=apart)
    assert all(labels[label] == label == min(at for at in range(10) if labels[at] == label) for label in labels)
    assert all(labels[one] != labels[other] for one, other in apart)
    shuffled = list(pairs.items())
    random.shuffle(shuffled)
    assert sets(10, dict(shuffled), cannot_link=apart) == labels


def test_lists_without_duplicates_give_each_record_one_partner() -> None:
    left, right = np.array([0, 0, 1], np.int32), np.array([5, 6, 5], np.int32)
    assert one_to_one(left, right, np.array([1.0, 9.0, 8.0])).tolist() == [False, True, True]


def test_quality_counts_missed_pairs() -> None:
    entities = np.array([0, 0, 0, 1, 1])
    found = pair_quality(entities, np.array([0, 2], np.int32), np.array([1, 3], np.int32))
    assert (found.right, found.found, found.true) == (1, 2, 4)
    assert (found.precision, found.recall) == (0.5, 0.25) and abs(found.f1 - 1 / 3) < 1e-12
    assert set_quality(entities, np.array([0, 0, 0, 3, 3])).f1 == 1.0
    assert pairs_inside(entities, np.array([0, 1, 1, 0, 1], np.int8)) == 3
    assert best_threshold(entities, np.array([0, 2]), np.array([1, 3]), np.array([5.0, 1.0])) == (2 / 5, 5.0)
