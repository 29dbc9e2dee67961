"""Procedures that answer with a stream, over Connect."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from protobuf import Message

from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.procedures import HttpRefusal, Procedure, Service, check_protocol, codec_of
from gavel.runtime.http.connect.protocol import JSON_CODEC, PROTO_CODEC, StrictCodec, end_of_stream, message_of
from gavel.runtime.http.exchange import Response
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.routes import Access, Route
from gavel.runtime.telemetry.request_context import enter

_Request = TypeVar("_Request", bound=Message)

_CODECS = {b"application/connect+json": JSON_CODEC, b"application/connect+proto": PROTO_CODEC}
# The last field asks proxies such as nginx to forward each frame at once.
_LINES = {
    codec: b"content-type: %b\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n" % content_type
    for content_type, codec in _CODECS.items()
}
_MEDIA_TYPE = Response(415, b"accept-post: application/connect+json, application/connect+proto\r\n")
_VERSION = Response(505, b"")


class Streamed(Procedure[_Request]):
    """A procedure that answers with a stream. Its handler opens it by Exchange.open_stream, with `lines`.

    An exception before that ends the stream with an error.
    """

    def __init__(
        self,
        request: type[_Request],
        handler: Callable[[Call, _Request, StrictCodec, bytes], Awaitable[None]],
        access: Access,
    ) -> None:
        super().__init__(request, access)
        self.handler = handler

    def route(self, service: Service, name: str, *, is_read: bool) -> Route:  # noqa: ARG002 - a stream is a POST
        """See Procedure.route."""
        return _StreamedRoute(service, name, self)


class _StreamedRoute:
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, service: Service, name: str, procedure: Streamed[Any]) -> None:
        self.access = procedure.access
        self._service = service
        self._name = name
        self._procedure = procedure

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        exchange = call.exchange
        if exchange.method != "POST":
            call.respond(Response(405, b"allow: POST\r\n"))
            return
        try:
            codec = codec_of(call.fields.get(b"content-type", b""), _CODECS)
        except HttpRefusal:
            call.respond(_MEDIA_TYPE)
            return
        if exchange.version != "1.1":
            # Its chunks are those of HTTP/1.1.
            call.respond(_VERSION)
            return
        task = exchange.run(self._run(call, codec))
        task.add_done_callback(lambda _: call.leave())
        exchange.on_lost = task.cancel

    async def _run(self, call: Call, codec: StrictCodec) -> None:
        enter(call)
        lines = _LINES[codec]
        try:
            check_protocol(call)
            encoding = call.fields.get(b"connect-content-encoding", b"").decode("latin-1")
            request = codec.decode(message_of(call.exchange.body, encoding), self._procedure.request)
            await self._procedure.handler(call, request, codec, lines)
        except Exception as error:  # noqa: BLE001 - the error table maps every exception, else it is internal
            mapped = self._service.error_of(call, self._name, error)
            if not call.exchange.is_answered:
                call.respond(Response(200, lines, end_of_stream(mapped)))
