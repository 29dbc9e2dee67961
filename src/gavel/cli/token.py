"""`gavel token`: tokens for development, signed with this machine's key, to try AUTH_MODE=jwt without a provider."""

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import uuid4

import jwt
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gavel.cli.command_errors import refused
from gavel.runtime.postgres.data_folder import DataFolderUnusable, data_folder

DEFAULT_ISSUER = "gavel-development"
DEFAULT_AUDIENCE = "gavel"

_PRIVATE_NAME, _PUBLIC_NAME = "development-key.pem", "development-key.pub.pem"


def token(
    user: Annotated[str | None, typer.Argument(help="The token's subject. Default: a new UUID.")] = None,
    *,
    role: Annotated[
        list[str] | None,
        typer.Option(help="bidder, seller or admin; repeatable. Default: no roles claim, the user may bid and sell."),
    ] = None,
    lifetime: Annotated[int, typer.Option(min=1, help="Lifetime in seconds.")] = 3_600,
    settings: Annotated[bool, typer.Option("--settings", help="Print the settings that accept these tokens.")] = False,
) -> None:
    """Sign a token for development with this machine's key. Not for production."""
    try:
        minter = open_minter(data_folder())
    except (KeyUnusable, DataFolderUnusable) as error:
        raise refused(str(error)) from None
    if settings:
        typer.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in minter.settings.items()))
    else:
        typer.echo(minter.mint(user or str(uuid4()), role, lifetime))


class KeyUnusable(Exception):
    """The key can't be read or made. The text names the file and says what to do."""


class Minter(NamedTuple):
    """Signing key, path of its public half, and the tokens' issuer and audience."""

    key: Ed25519PrivateKey
    public_key_path: Path
    issuer: str
    audience: str

    def mint(self, subject: str, roles: Sequence[str] | None, lifetime_seconds: float) -> str:
        """Sign a token. Without roles it has no roles claim."""
        now_seconds = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now_seconds,
            "exp": now_seconds + int(lifetime_seconds),
        }
        return jwt.encode(claims if roles is None else claims | {"roles": list(roles)}, self.key, "EdDSA")

    @property
    def settings(self) -> dict[str, str]:
        """Settings with which Gavel accepts these tokens."""
        return {
            "AUTH_MODE": "jwt",
            "JWT_ISSUER": self.issuer,
            "JWT_AUDIENCE": self.audience,
            "JWT_PUBLIC_KEY_PATH": str(self.public_key_path),
        }


def open_minter(folder: Path) -> Minter:
    """Open the minter with the key in the folder. A missing key is made, readable only by its owner.

    Issuer and audience are JWT_ISSUER and JWT_AUDIENCE if they are set. Raises KeyUnusable.
    """
    private_path, public_path = folder / _PRIVATE_NAME, folder / _PUBLIC_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not private_path.exists():
            _make(private_path)
        key = load_pem_private_key(private_path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"{private_path} holds no Ed25519 key: delete it, and a new key is made")
        public_path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            f"can't use the key {private_path} ({type(error).__name__}): correct or delete it, or set GAVEL_DATA_DIR"
        ) from error
    issuer, audience = os.environ.get("JWT_ISSUER"), os.environ.get("JWT_AUDIENCE")
    return Minter(key, public_path.resolve(), issuer or DEFAULT_ISSUER, audience or DEFAULT_AUDIENCE)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Made under another name and then linked, so that two processes that make one at a time use the same key.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
