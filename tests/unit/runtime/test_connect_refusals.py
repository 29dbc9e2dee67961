"""Refusals in the Connect protocol, before a request is read."""

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.runtime.http.connect.protocol import refusal_response

ERROR = ConnectError(Code.RESOURCE_EXHAUSTED, "too many calls")


@pytest.mark.parametrize("content_type", [b"application/connect+json", b"Application/Connect+JSON; charset=utf-8"])
def test_a_streaming_call_is_refused_by_the_end_of_a_stream(content_type: bytes) -> None:
    response = refusal_response(ERROR, content_type)
    assert (response.status, response.lines) == (200, b"content-type: application/connect+json\r\n")


@pytest.mark.parametrize(
    "content_type", [b"application/connect+json;content-length:", b"application/connect+x;cache-control:", b""]
)
def test_what_a_client_sends_as_its_content_type_is_no_part_of_the_head(content_type: bytes) -> None:
    assert b"length" not in refusal_response(ERROR, content_type).lines
    assert b"cache-control" not in refusal_response(ERROR, content_type).lines
