"""Every method of the contract has a route with access of its own: none is open by having been forgotten."""

from typing import Any, cast

import pytest
from protobuf import DescService
from protobuf.wkt.google.protobuf.descriptor_pb import MethodOptions

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.routes import bid_service
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.adapters.connect.watch import WatchApi
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.bids.v1.bid_service_connect import BidService
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.procedures import Service, Unary
from gavel.runtime.http.routes import Access
from gavel.userstats.adapters.connect.service import StatsApi, stats_service

# The tables are built without the ports behind their handlers.
_ANY = cast("Any", None)
SERVICES = {
    "bids": (
        BidService.desc(),
        bid_service(BidApi(_ANY, _ANY, "USD"), ReadApi(_ANY, _ANY, _ANY), WatchApi(_ANY, _ANY)),
    ),
    "userstats": (UserStatsService.desc(), stats_service(StatsApi(_ANY, _ANY))),
}
services = pytest.mark.parametrize(("desc", "service"), SERVICES.values(), ids=SERVICES)


async def _nothing(_call: Call, _request: pb.GetItemRequest) -> pb.GetItemResponse:
    return pb.GetItemResponse()


@services
def test_every_method_has_a_route_and_only_what_has_no_effect_is_a_public_read(
    desc: DescService, service: Service
) -> None:
    methods = {f"/{desc.type_name}/{method.name}": method for method in desc.methods}
    assert methods
    assert {path for path in service.routes if not path.endswith("/")} == methods.keys()
    for path, method in methods.items():
        access = service.routes[path].access
        has_no_effect = method.idempotency == MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS
        assert not access.is_open
        assert access.priority is not None
        assert not access.public_read or has_no_effect or method.method_kind == "server_streaming", path
        assert access.public_read != bool(access.role), path


@services
@pytest.mark.parametrize("difference", [1, -1], ids=["one too many", "one too few"])
def test_a_service_is_not_built_unless_its_table_has_exactly_the_methods_of_the_contract(
    desc: DescService, service: Service, difference: int
) -> None:
    assert service.path == f"/{desc.type_name}/"
    procedure = Unary(pb.GetItemRequest, _nothing, Access(role="bidder"))
    names = [method.name for method in desc.methods]
    table = dict.fromkeys([*names, "Another"] if difference > 0 else names[:-1], procedure)
    with pytest.raises(ValueError, match=desc.type_name):
        Service(desc, connect_error, table)
