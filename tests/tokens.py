"""Tokens as a provider would sign them, good ones and bad ones."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

ISSUER = "https://login.example"
AUDIENCE = "gavel"


class SigningKey:
    """One of a provider's keys."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.private: EllipticCurvePrivateKey = generate_private_key(SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half, as a key set has it."""
        return json.loads(ECAlgorithm.to_jwk(self.private.public_key())) | {"kid": self.key_id, "use": "sig"}

    @property
    def pem(self) -> bytes:
        """Its public half, as a file has it."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, *, issuer: str = ISSUER, without: str = "", **claims: Any) -> str:
        """A token that is good for an hour, but for the claims that are given or left out; so may be its `kid`."""
        told = _claims(issuer, claims)
        told.pop(without, None)
        return jwt.encode(told, self.private, "ES256", headers=None if without == "kid" else {"kid": self.key_id})

    def unsigned(self, *, issuer: str = ISSUER, **claims: Any) -> str:
        """The same without a signature (`alg: none`)."""
        return jwt.encode(_claims(issuer, claims), "", "none", headers={"kid": self.key_id})

    def signed_with_its_public_half(self, *, issuer: str = ISSUER, **claims: Any) -> str:
        """A token that a verifier accepts if it takes the public key for a shared secret (HS256)."""
        header = _base64({"alg": "HS256", "typ": "JWT", "kid": self.key_id})
        signed = header + b"." + _base64(_claims(issuer, claims))
        signature = urlsafe_b64encode(hmac.digest(self.pem, signed, "sha256")).rstrip(b"=")
        return b".".join((signed, signature)).decode()


def _claims(issuer: str, claims: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": issuer, "aud": AUDIENCE, "sub": "someone", "iat": now, "exp": now + 3_600, **claims}


def _base64(part: Mapping[str, Any]) -> bytes:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def bearer(token: str) -> bytes:
    """The header that carries a token."""
    return f"Bearer {token}".encode()
