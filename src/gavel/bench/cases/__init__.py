"""The cases, in the order in which a round measures them."""

from gavel.bench.case import Case
from gavel.bench.cases.decision import DECISION
from gavel.bench.cases.idle import IDLE
from gavel.bench.cases.many_items import MANY_ITEMS
from gavel.bench.cases.one_item import ONE_ITEM

CASES: tuple[Case, ...] = (IDLE, DECISION, ONE_ITEM, MANY_ITEMS)
