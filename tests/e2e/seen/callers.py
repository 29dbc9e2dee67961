"""Callers that come with a trace of their own."""

CALLERS_SPAN = "00f067aa0ba902b7"


def traceparent(trace_id: str, flags: str = "01") -> str:
    """The header of a caller that has a trace already."""
    return f"00-{trace_id}-{CALLERS_SPAN}-{flags}"
