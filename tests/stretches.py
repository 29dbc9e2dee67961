"""The order of tests for several workers, as pytest-xdist's work stealing splits it: in stretches of equal length."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def stretches(items: Sequence[T], workers: int, beginning: Callable[[T], int | None]) -> list[T]:
    """Order items so that each worker begins with its own.

    `beginning` is the number of the worker that begins with an item, None where any will do. With those of -1 the last
    one begins, before all else that is its own. Beyond that the order stays.
    """
    numbered = [(number, item) for item in items if (number := beginning(item)) is not None]
    others = [item for item in items if beginning(item) is None]
    own: list[list[T]] = [[] for _ in range(workers)]
    for number, item in sorted(numbered, key=lambda pair: pair[0]):
        own[number % workers].append(item)
    ordered: list[T] = []
    for number, first in enumerate(own):
        # What is not sent yet, evenly among the workers that have nothing yet.
        length = (len(items) - len(ordered)) // (workers - number)
        rest = max(length - len(first), 0)
        ordered += [*first, *others[:rest]]
        del others[:rest]
    return ordered + others
