"""Where a process listens and who may call, as the environment says."""

import ipaddress
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, HttpUrl, model_validator

from gavel.runtime import tracing
from gavel.runtime.settings import ProcessSettings

Port = Annotated[int, Field(ge=0, le=65_535)]
OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(lambda url: url or None)]


class AdminSettings(ProcessSettings):
    """Where a process tells of its health, and where its spans go."""

    http_host: str = "127.0.0.1"
    admin_port: Port = 9090
    # OpenTelemetry's own names. Its other variables, such as OTEL_EXPORTER_OTLP_HEADERS, are read by the exporter.
    otel_exporter_otlp_endpoint: OptionalUrl = None
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0

    def exporting_spans(self, process: str) -> AbstractAsyncContextManager[None]:
        """Export the process's spans inside the context, where a collector is named."""
        endpoint = self.otel_exporter_otlp_endpoint
        return tracing.exporting(process, str(endpoint) if endpoint else None, self.otel_traces_sampler_arg)


class HttpSettings(AdminSettings):
    """Where a process answers calls besides, and whom it believes."""

    http_port: Port = 8080
    # In trusted mode the body names the actor. It must be chosen by name, so that nobody runs it by accident.
    auth_mode: Literal["trusted"]
    auth_trusted_anywhere: bool = False

    @model_validator(mode="after")
    def _trusted_mode_stays_at_home(self) -> Self:
        if not self.auth_trusted_anywhere and not _is_loopback(self.http_host):
            raise ValueError(
                "HTTP_HOST must be a loopback address while AUTH_MODE is trusted, since anyone who reaches the port"
                " can bid as anyone; AUTH_TRUSTED_ANYWHERE=true allows it all the same"
            )
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
