"""Settings from the environment, checked all at once."""

import re
from typing import Annotated, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gavel.runtime.telemetry.logs import LogFormat

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsInvalid(Exception):
    """One or more settings are missing or malformed; the text names each, and shows no value."""


def _log_level(name: str) -> str:
    if name.upper() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return name.upper()


LogLevel = Annotated[str, AfterValidator(_log_level)]


def _url(*schemes: str) -> AfterValidator:
    """Make a check that shows nothing of a malformed value, which may hold a password."""

    def check(url: str) -> str:
        if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)) or not urlsplit(url).path.strip("/"):
            raise ValueError(f"must be a URL such as {schemes[0]}://user:password@host:port/name")
        return url

    return AfterValidator(check)


# A socket's folder in `?host=` may stand for the host.
DatabaseUrl = Annotated[str, _url("postgresql", "postgres")]


def blank_as(default: object) -> BeforeValidator:
    """Make a validator by which a blank value counts as not set."""
    return BeforeValidator(lambda value: default if isinstance(value, str) and not value.strip() else value)


def _names(listed: object) -> object:
    return [name.strip() for name in listed.split(",") if name.strip()] if isinstance(listed, str) else listed


def _role_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", name):
        raise ValueError("must be names of roles, separated by commas")
    return name


# Roles of a database, as a list: app,another.
RoleNames = Annotated[tuple[Annotated[str, AfterValidator(_role_name)], ...], NoDecode, BeforeValidator(_names)]


class ProcessSettings(BaseSettings):
    """What every process reads."""

    # Secrets that its log lines must not show besides the usual ones: see `configure_logs`.
    secret_names: ClassVar[tuple[str, ...]] = ()

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    log_level: LogLevel = "INFO"
    log_format: LogFormat = "json"


_Settings = TypeVar("_Settings", bound=BaseModel)


def load_settings(kind: type[_Settings]) -> _Settings:
    """Read the environment. Raises SettingsInvalid with every mistake in one text, and no value of any."""
    try:
        return kind()
    except ValidationError as error:
        mistakes = [
            f"  {'_'.join(map(str, each['loc'])).upper() or 'SETTINGS'}: {_words(each['type'], each['msg'])}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise SettingsInvalid("Invalid configuration. Correct these settings:\n" + "\n".join(mistakes)) from None


def _words(kind: str, message: str) -> str:
    return "is required" if kind == "missing" else message.removeprefix("Value error, ")
