"""The trace contexts in serialized events, found without reading the events: a relay hands on thousands at once."""

import re
from collections.abc import Iterable

from gavel.runtime.telemetry import tracing

# Field 4 of events.v1.Event, length-delimited, 55 bytes. Whoever writes such bytes into a title gains a link of a span.
_TRACEPARENT = re.compile(rb"\x22\x37(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf])")


def sampled_traces(bodies: Iterable[bytes]) -> list[str]:
    """Each sampled trace context in these `EventBatch`es once, in their order; none where nothing is exported."""
    if not tracing.is_on():
        return []
    found = dict.fromkeys(match for body in bodies for match in _TRACEPARENT.findall(body))
    return [traceparent.decode() for traceparent in found]
