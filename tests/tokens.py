"""Tokens as a provider would sign them, good ones and bad ones."""

import json
import time
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
        """A token that is good for an hour, but for the claims that are given or left out."""
        now = int(time.time())
        told = {"iss": issuer, "aud": AUDIENCE, "sub": "someone", "iat": now, "exp": now + 3_600} | claims
        told.pop(without, None)
        return jwt.encode(told, self.private, "ES256", headers={"kid": self.key_id})


def bearer(token: str) -> bytes:
    """The header that carries a token."""
    return f"Bearer {token}".encode()
