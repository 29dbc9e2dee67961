"""A short fuzz run; `make fuzz` is the long one."""

from collections import Counter

import pytest

from tests.e2e.gavel_process import new_data_folder, running_standalone
from tests.fuzz.pieces import fuzz_pieces
from tests.fuzz.run import fuzz, insides

pytestmark = pytest.mark.e2e

CASES = 1_500
CONNECTIONS = 100


async def test_requests_made_from_the_contract_bring_no_5xx_no_hang_and_no_traceback() -> None:
    with new_data_folder() as folder:
        async with running_standalone(folder) as gavel:
            report = await fuzz(gavel, seed=20_261_124, count=CASES)
        logs = await gavel.logs()
    assert report.failures == []
    assert insides(logs) == []
    # Enough gets through for the rest to be worth something.
    counted: Counter[int] = report.statuses
    assert counted.total() == CASES
    assert counted[200] > CASES // 20
    assert counted[400] > CASES // 5


async def test_bids_as_damaged_bytes_in_pieces_are_answered_once_and_those_accepted_are_stored() -> None:
    with new_data_folder() as folder:
        async with running_standalone(folder) as gavel:
            report = await fuzz_pieces(gavel, seed=20_261_130, count=CONNECTIONS)
        logs = await gavel.logs()
    assert report.failures == []
    assert insides(logs) == []
    assert report.accepted > CONNECTIONS // 2
    assert report.refused > CONNECTIONS // 4
