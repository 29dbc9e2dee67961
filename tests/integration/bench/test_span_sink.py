"""The collector of the benchmark takes what the exporter sends it."""

import urllib.request

import pytest

from gavel_tools.bench.systems.span_sink import span_sink

pytestmark = pytest.mark.integration


def test_spans_that_are_sent_are_taken_and_counted() -> None:
    with span_sink() as sink:
        for body in (b"some", b"more spans"):
            with urllib.request.urlopen(f"{sink.url}/v1/traces", body) as reply:
                assert reply.status == 200
        assert sink.taken == len(b"somemore spans")
