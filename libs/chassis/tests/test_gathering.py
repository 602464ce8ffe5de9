"""Rests between batches: only while batches follow each other."""

from chassis.gathering import Gathering


def _rests(linger: float, moments: list[float]) -> list[float]:
    ends = iter(moments)
    gathering = Gathering(linger, clock=lambda: next(ends))
    return [gathering.rest() for _ in moments]


def test_what_comes_after_a_quiet_moment_is_followed_by_no_rest() -> None:
    assert _rests(0.1, [0.0, 10.0, 20.0]) == [0.0, 0.0, 0.0]


def test_batches_that_follow_each_other_are_followed_by_one() -> None:
    assert _rests(0.1, [0.0, 0.05, 0.2, 0.3, 9.0, 9.1]) == [0.0, 0.1, 0.1, 0.1, 0.0, 0.1]


def test_without_linger_there_is_none() -> None:
    assert _rests(0.0, [0.0, 0.0, 0.001]) == [0.0, 0.0, 0.0]
