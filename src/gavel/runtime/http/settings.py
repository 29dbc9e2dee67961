"""HTTP settings, read from the environment: ports, authentication, CORS and rate limits."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, HttpUrl, StringConstraints, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from gavel.runtime.http.addresses import LOOPBACK, Addresses, HostNames, Network, networks_of
from gavel.runtime.http.authentication.token_keys import RSA_BITS_MIN, PublicKey, algorithms_of, public_key_of
from gavel.runtime.http.authentication.tokens import ALGORITHMS
from gavel.runtime.http.cors import origins_of
from gavel.runtime.loopback import is_loopback
from gavel.runtime.process.settings import ProcessSettings, blank_as
from gavel.runtime.telemetry import tracing


def _networks(listed: object) -> object:
    if not isinstance(listed, str):
        return listed
    try:
        return networks_of(listed.replace(",", " ").split())
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, separated by commas") from None


Port = Annotated[int, Field(ge=0, le=65_535)]
Stripped = Annotated[str, StringConstraints(strip_whitespace=True)]
HOST = "127.0.0.1"
# Addresses and networks in CIDR notation, as a list.
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
OptionalUrl = Annotated[HttpUrl | None, blank_as(None)]


class AdminSettings(ProcessSettings):
    """Settings of the admin port and of trace export."""

    # Blank counts as not set: a socket takes it for every address.
    http_host: Annotated[str, blank_as(HOST)] = HOST
    admin_port: Port = 9090
    # OpenTelemetry's own names. Its other variables, such as OTEL_EXPORTER_OTLP_HEADERS, are read by the exporter.
    otel_exporter_otlp_endpoint: OptionalUrl = None
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0

    def exporting_spans(self, process: str) -> AbstractAsyncContextManager[None]:
        """Export the process's spans inside the context, if a collector is named."""
        endpoint = self.otel_exporter_otlp_endpoint
        return tracing.exporting(process, str(endpoint) if endpoint else None, self.otel_traces_sampler_arg)


class HttpSettings(AdminSettings):
    """Settings of the port for calls, and of authentication.

    The later fields are checked against `auth_mode` one by one, so that all mistakes are reported at once.
    """

    http_port: Port = 8080
    # In trusted mode the body names the actor. There is no default, so that it never runs by accident.
    auth_mode: Literal["trusted", "jwt"]
    auth_trusted_anywhere: Annotated[bool, Field(validate_default=True)] = False
    jwt_issuer: Annotated[Stripped, Field(validate_default=True)] = ""
    jwt_audience: Stripped = ""
    # The clients whose access tokens are accepted without an audience, for providers that write none.
    jwt_client_ids: Annotated[tuple[str, ...], NoDecode, Field(validate_default=True)] = ()
    # Neither: the issuer's discovery document names the key set.
    jwt_jwks_url: Stripped = ""
    jwt_public_key_path: Annotated[Path | None, blank_as(None), Field(validate_default=True)] = None
    jwt_algorithms: Annotated[tuple[str, ...], NoDecode, Field(validate_default=True)] = ("RS256", "ES256", "EdDSA")
    # Empty: the verifier's default claim, which a token need not have.
    jwt_roles_claim: Stripped = ""
    public_reads: bool = True
    # Origins whose pages may call from a browser, as browsers send them.
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    # 0: no limit. A whole office may share an address. Loopback addresses are not limited.
    rate_limit_user_per_second: Annotated[int, Field(ge=0)] = 100
    rate_limit_address_per_second: Annotated[int, Field(ge=0)] = 1_000
    # Addresses and networks: those to which no limit of addresses applies, and the proxies whose header is believed.
    address_limits_exempt: Networks = LOOPBACK
    trusted_proxies: Networks = ()
    trusted_proxy_header: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For"
    trusted_proxy_hops: int = Field(default=1, ge=1, le=10)
    # Names under which the server may be called in trusted mode, besides those of the loopback.
    http_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()

    def addresses(self) -> Addresses:
        """The reader of client addresses."""
        header = self.trusted_proxy_header.lower().encode()
        return Addresses(self.address_limits_exempt, self.trusted_proxies, header, self.trusted_proxy_hops)

    def host_names(self) -> HostNames | None:
        """The names under which the server may be called; None for any. Tokens prove who calls, whatever the name."""
        if self.auth_mode == "trusted" and (self.http_allowed_hosts or is_loopback(self.http_host)):
            return HostNames(self.http_allowed_hosts)
        return None

    def public_key(self) -> PublicKey | None:
        """The key in the file of `jwt_public_key_path`; None if it is not set. Raises OSError or ValueError."""
        path = self.jwt_public_key_path
        return None if path is None else public_key_of(path.read_bytes())

    @field_validator("auth_trusted_anywhere")
    @classmethod
    def _trusted_mode_stays_at_home(cls, anywhere: bool, info: ValidationInfo) -> bool:
        if info.data.get("auth_mode") == "trusted" and not anywhere and not is_loopback(info.data.get("http_host", "")):
            raise ValueError(
                "HTTP_HOST must be a loopback address while AUTH_MODE is trusted, since anyone who reaches the port"
                " can bid as anyone; AUTH_TRUSTED_ANYWHERE=true allows it all the same"
            )
        return anywhere

    @field_validator("jwt_issuer")
    @classmethod
    def _needed_for_tokens(cls, text: str, info: ValidationInfo) -> str:
        if info.data.get("auth_mode") == "jwt" and not text:
            raise ValueError("is required while AUTH_MODE is jwt")
        return text

    @field_validator("jwt_client_ids")
    @classmethod
    def _audience_or_clients(cls, listed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("auth_mode") == "jwt" and not listed and not info.data.get("jwt_audience"):
            raise ValueError("or JWT_AUDIENCE is required while AUTH_MODE is jwt")
        return listed

    @field_validator("jwt_jwks_url")
    @classmethod
    def _url_of_the_web(cls, url: str) -> str:
        if url and not _is_url_of_the_web(url):
            raise ValueError("must be an http or https URL, without a user or password")
        return url

    @field_validator("jwt_public_key_path")
    @classmethod
    def _one_source_of_keys(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        issuer, jwks_url = info.data.get("jwt_issuer", ""), info.data.get("jwt_jwks_url", "")
        if path is not None:
            if jwks_url:
                raise ValueError("can't be set beside JWT_JWKS_URL: keys come from one of them")
            try:
                public_key_of(path.read_bytes())
            except (OSError, ValueError):
                raise ValueError(
                    f"must name a readable file with a public key in PEM: Ed25519, EC, or RSA of {RSA_BITS_MIN} bits"
                ) from None
        elif info.data.get("auth_mode") == "jwt" and not jwks_url and issuer and not _is_url_of_the_web(issuer):
            raise ValueError("or JWT_JWKS_URL is required, unless JWT_ISSUER is a URL where keys can be discovered")
        return path

    @field_validator("jwt_client_ids", "jwt_algorithms", "cors_origins", "http_allowed_hosts", mode="before")
    @classmethod
    def _listed(cls, listed: object) -> object:
        return tuple(listed.replace(",", " ").split()) if isinstance(listed, str) else listed

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_send_them(cls, listed: tuple[str, ...]) -> tuple[str, ...]:
        return origins_of(listed)

    @field_validator("jwt_algorithms")
    @classmethod
    def _public_key_algorithms(cls, listed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not listed or not set(listed) <= set(ALGORITHMS):
            raise ValueError(f"must be some of {', '.join(ALGORITHMS)}")
        path = info.data.get("jwt_public_key_path")
        fitting = algorithms_of(public_key_of(path.read_bytes())) if path else set(listed)
        if not fitting & set(listed):
            raise ValueError(f"has none that the key of JWT_PUBLIC_KEY_PATH signs with: {', '.join(sorted(fitting))}")
        return listed


def _is_url_of_the_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False
