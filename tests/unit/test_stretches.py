"""Each worker's stretch of the order begins with the tests that are its own, and none is lost."""

import pytest

from tests.stretches import stretches

GROUPS = {"a": 0, "b": 1, "c": 2, "z": -1}


@pytest.mark.parametrize(
    ("items", "workers", "ordered"),
    [
        ("mnopqrabz", 3, "amn bop zqr"),
        ("mnopqrabza", 3, "aam bno zpqr"),
        ("mnopqrcsabz", 4, "am bno cpq zrs"),
        ("mnopqrcabz", 3, "acm bno zpqr"),
        ("mnzacb", 1, "zabcmn"),
        ("mnozab", 2, "abm zno"),
        ("aaaab", 3, "aaaa b"),
        ("mno", 2, "m no"),
        ("", 3, ""),
    ],
)
def test_each_worker_begins_with_its_own_and_the_rest_keeps_its_order(items: str, workers: int, ordered: str) -> None:
    assert "".join(stretches(items, workers, GROUPS.get)) == ordered.replace(" ", "")
