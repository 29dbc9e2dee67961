"""Each worker's stretch of the order begins with the tests that are its own, and none is lost."""

import pytest

from tests.stretches import stretches

# The first letter is the worker that begins with it.
OWN = {"a": 0, "b": 1, "z": -1}


@pytest.mark.parametrize(
    ("items", "workers", "ordered"),
    [
        ("mnopqrabz", 3, "amn bop zqr"),
        ("mnopqrabza", 3, "aam bno zpqr"),
        ("mnopqrsabz", 4, "am bn opq zrs"),
        ("mnozab", 1, "zabmno"),
        ("mnobza", 2, "amn zbo"),
        ("aaaab", 2, "aaaa b"),
        ("mno", 2, "m no"),
        ("", 3, ""),
    ],
)
def test_each_worker_begins_with_its_own_and_the_rest_keeps_its_order(items: str, workers: int, ordered: str) -> None:
    assert "".join(stretches(items, workers, OWN.get)) == ordered.replace(" ", "")
