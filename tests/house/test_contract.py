"""Nothing of the published contract is missing or changed, and what is planned for it keeps its names and numbers."""

from pathlib import Path

import pytest

from tests.house.contract import Facts, at_odds, facts_of, lost
from tests.house.tree import ROOT

SHARED = ROOT.parent / "shared"
PUBLISHED, PLANNED = SHARED / "contract", SHARED / "contract-next"

SMALL = """syntax = "proto3";
package small.v1;
service Shop {
  rpc Buy(Order) returns (Order);
  rpc Look(Order) returns (stream Order) { option idempotency_level = NO_SIDE_EFFECTS; }
}
enum Size { SIZE_UNSPECIFIED = 0; SIZE_L = 1; }
message Order {
  enum State { STATE_UNSPECIFIED = 0; STATE_PAID = 1; }
  message Line { int64 price = 1; }
  string id = 1;
  optional string note = 2;
  repeated Line lines = 3;
  oneof pay { string card = 4; string cash = 5; }
  State state = 6;
}
"""
MORE = SMALL.replace("State state = 6;", "State state = 6; bool gift = 7; Size size = 9;")


def _facts(folder: Path, text: str) -> Facts:
    file = folder / "small" / "v1" / "small.proto"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return facts_of(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The small contract, as it was published."""
    return _facts(tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The small contract with what is planned for it."""
    return _facts(tmp_path_factory.mktemp("more"), MORE)


def test_the_contract_has_all_that_is_published_as_it_is_published() -> None:
    if not PUBLISHED.is_dir():
        # Elsewhere the committed baseline and `buf breaking` hold the contract.
        assert (ROOT / "proto" / "baseline.binpb").is_file()
        return
    published = facts_of(PUBLISHED)
    assert "method bids.v1.BidService.PlaceBid" in published
    assert lost(facts_of(ROOT / "proto"), published) == []


def test_what_is_planned_stands_under_the_planned_names_and_numbers_once_it_is_added() -> None:
    if not PLANNED.is_dir():
        assert (ROOT / "proto" / "baseline.binpb").is_file()
        return
    ours, planned = facts_of(ROOT / "proto"), facts_of(PLANNED)
    assert ours["number bids.v1.CreateItemRequest 13"] == planned["number bids.v1.CreateItemRequest 13"]
    assert at_odds(ours, planned) == []


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("  rpc Buy(Order) returns (Order);\n", "", "method small.v1.Shop.Buy"),
        ("rpc Buy(Order) returns (Order)", "rpc Buy(Order) returns (stream Order)", "method small.v1.Shop.Buy"),
        ("rpc Buy(Order) returns (Order)", "rpc Buy(Order) returns (Order.Line)", "method small.v1.Shop.Buy"),
        (" { option idempotency_level = NO_SIDE_EFFECTS; }", ";", "method small.v1.Shop.Look"),
        ("service Shop", "service Store", "service small.v1.Shop"),
        ("  string id = 1;\n", "", "field small.v1.Order.id"),
        ("string id = 1", "string key = 1", "number small.v1.Order 1"),
        ("string id = 1", "string id = 8", "field small.v1.Order.id"),
        ("string id = 1", "bytes id = 1", "field small.v1.Order.id"),
        ("string id = 1", 'string id = 1 [json_name = "key"]', "field small.v1.Order.id"),
        ("optional string note", "string note", "field small.v1.Order.note"),
        ("repeated Line lines", "Line lines", "field small.v1.Order.lines"),
        ("repeated Line lines", "repeated Order lines", "field small.v1.Order.lines"),
        ("int64 price = 1", "int32 price = 1", "field small.v1.Order.Line.price"),
        ("oneof pay { string card = 4; string cash = 5; }", "string card = 4;", "field small.v1.Order.cash"),
        ("oneof pay { string card = 4; string cash = 5; }", "string card = 4;", "field small.v1.Order.card"),
        ("STATE_PAID = 1", "STATE_SENT = 1", "value small.v1.Order.State.STATE_PAID"),
        ("STATE_PAID = 1", "STATE_PAID = 2", "value small.v1.Order.State.STATE_PAID"),
        ("enum Size { SIZE_UNSPECIFIED = 0; SIZE_L = 1; }\n", "", "enum small.v1.Size"),
        ("package small.v1", "package small.v2", "message small.v1.Order"),
    ],
)  # fmt: skip
def test_whatever_is_taken_away_or_changed_would_be_noticed(
    tmp_path: Path, small: Facts, old: str, new: str, fact: str
) -> None:
    changed = SMALL.replace(old, new)
    assert changed != SMALL
    assert fact in lost(_facts(tmp_path, changed), small)


def test_more_may_be_added(small: Facts, more: Facts) -> None:
    assert lost(more, small) == []


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        ("", []),
        ("bool gift = 7;", []),
        ("bool gift = 7; string unplanned = 8; Size size = 9;", []),
        ("bool gift = 8;", ["field small.v1.Order.gift"]),
        ("string gift = 7;", ["field small.v1.Order.gift"]),
        ("bool present = 7;", ["number small.v1.Order 7"]),
        ("bool gift = 9;", ["field small.v1.Order.gift", "number small.v1.Order 9"]),
    ],
)
def test_what_is_planned_may_wait_and_its_names_and_numbers_are_kept_for_it(
    tmp_path: Path, more: Facts, ours: str, found: list[str]
) -> None:
    text = SMALL.replace("State state = 6;", f"State state = 6; {ours}")
    assert at_odds(_facts(tmp_path, text), more) == found
