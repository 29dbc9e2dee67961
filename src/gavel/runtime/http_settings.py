"""Who may call, as the environment says."""

import ipaddress
from typing import Literal, Self

from pydantic import model_validator

from gavel.runtime.settings import ProcessSettings


class HttpSettings(ProcessSettings):
    """Where a process listens, and whom it believes."""

    http_host: str = "127.0.0.1"
    http_port: int
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
