"""Tokens for development, signed with a key of this machine: so that AUTH_MODE=jwt can be tried without a provider."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

DEFAULT_ISSUER = "gavel-development"
DEFAULT_AUDIENCE = "gavel"

_PRIVATE_NAME, _PUBLIC_NAME = "development-key.pem", "development-key.pub.pem"


class KeyUnusable(Exception):
    """The key can't be read or made; the text names the file."""


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
    """The minter whose key lies in the folder; it is made there where it is missing, readable for its owner alone.

    Issuer and audience are those of JWT_ISSUER and JWT_AUDIENCE where they are set. Raises KeyUnusable.
    """
    private_path, public_path = folder / _PRIVATE_NAME, folder / _PUBLIC_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not private_path.exists():
            _make(private_path)
        key = load_pem_private_key(private_path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"{private_path} holds no Ed25519 key")
        public_path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{private_path} can't be used ({type(error).__name__})") from error
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
