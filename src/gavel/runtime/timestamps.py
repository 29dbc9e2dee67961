"""Times as protobuf has them."""

from datetime import UTC, datetime
from functools import lru_cache

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def timestamp(at: datetime) -> Timestamp:
    """The time as a Timestamp, to the microsecond. Cached, since messages made together share their times."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
