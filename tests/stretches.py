"""The order of tests for several workers, as pytest-xdist's work stealing splits it: in stretches of equal length."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def stretches(items: Sequence[T], workers: int, beginning: Callable[[T], int | None]) -> list[T]:
    """Order items so that each worker begins with its own.

    `beginning` is the group of an item, None where it has none. With group -1 the last worker begins; the other groups
    are the other workers' in turn. Beyond that the order stays.
    """
    numbered = [(number, item) for item in items if (number := beginning(item)) is not None]
    others = [item for item in items if beginning(item) is None]
    own: list[list[T]] = [[] for _ in range(workers)]
    for number, item in sorted(numbered, key=lambda pair: pair[0]):
        own[-1 if number < 0 else number % max(workers - 1, 1)].append(item)
    ordered: list[T] = []
    for number, first in enumerate(own):
        # What is not sent yet, evenly among the workers that have nothing yet.
        length = (len(items) - len(ordered)) // (workers - number)
        rest = max(length - len(first), 0)
        ordered += [*first, *others[:rest]]
        del others[:rest]
    return ordered + others
