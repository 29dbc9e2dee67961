"""Times as protobuf has them."""

from functools import lru_cache

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

# Converts a time, to the microsecond. Cached, since messages made together share their times.
timestamp = lru_cache(maxsize=4096)(Timestamp.from_datetime)
