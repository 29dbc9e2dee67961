"""Every method of the contract has a rule: none is open by having been forgotten."""

import re

import pytest

from gavel.bids.adapters.connect.access_rules import CALL_RULES as BID_RULES
from gavel.runtime.http.access_control import CallRules
from gavel.userstats.adapters.connect.service import CALL_RULES as STATS_RULES
from tests.house.tree import ROOT

SERVICES = {"bids/v1/bid_service.proto": BID_RULES, "userstats/v1/user_stats_service.proto": STATS_RULES}


@pytest.mark.parametrize(("proto", "rules"), SERVICES.items())
def test_every_method_has_a_rule_and_only_what_has_no_effect_is_a_public_read(proto: str, rules: CallRules) -> None:
    text = (ROOT / "proto" / proto).read_text(encoding="utf-8")
    service = ".".join(re.findall(r"^(?:package|service) ([\w.]+)", text, re.MULTILINE))
    methods = re.findall(r"^  rpc (\w+)\([^)]*\) returns \((stream )?[^)]*\) ?([;{])", text, re.MULTILINE)
    assert methods
    assert {f"/{service}/{method}" for method, _, _ in methods} == rules.keys()
    harmless = {f"/{service}/{method}" for method, stream, end in methods if stream or "{" in end}
    assert {path for path, rule in rules.items() if rule.public_read} <= harmless
    assert all(rule.role for rule in rules.values() if not rule.public_read)
