"""A statement of the ledger's head, signed with the site's Ed25519 key (RFC 8032): what `verify` can hold against the chain later.

Anybody who holds the ledger checks it: the public key stands in the ledger itself, in the event key_created.
Why, and what it does not prove: docs/decisions/0012.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from qe.errors import InputError
from qe.ledger.event import canonical_json, instant_text
from qe.store import Key

STATEMENT: Final = "qe-ledger-head-1"  # what is signed says what it is: no signature of anything else passes for it
PURPOSE: Final = "ledger_heads"
SPELLING: Final = re.compile(r"[0-9a-f]{64} (?:[0-9a-f]{64} [0-9a-f]{128}| )")


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key; its 32 secret bytes are the site's third key."""

    key: Key

    @property
    def public_key(self) -> str:
        """64 hexadecimal digits; no secret."""
        return self._private().public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """128 hexadecimal digits; the same content always has the same signature."""
        return self._private().sign(content).hex()

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.key.hex_digits))


@dataclass(frozen=True, kw_only=True)
class HeadStatement:
    """The ledger's last event as it was at an instant. Unsigned (both last fields ""), where the site has no signing key.

    at          UTC to the microsecond, as in the ledger
    public_key  whose signature it is
    """

    seq: int
    hash: str
    at: str
    public_key: str = ""
    signature: str = ""

    @property
    def is_signed(self) -> bool:
        return self.signature != ""

    @property
    def holds(self) -> bool:
        """The signature is of exactly this statement by this key; an unsigned one does not hold."""
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            public.verify(bytes.fromhex(self.signature), self.content())
        except (ValueError, InvalidSignature):
            return False
        return True

    def content(self) -> bytes:
        """The bytes that are signed: canonical JSON of everything but the signature."""
        return canonical_json(
            {
                "statement": STATEMENT,
                "seq": self.seq,
                "hash": self.hash,
                "at": self.at,
                "public_key": self.public_key,
            }
        ).encode("ascii")

    def line(self) -> str:
        """One line of JSON, signature included, with its newline."""
        stated: dict[str, object] = json.loads(self.content())
        return canonical_json({**stated, "signature": self.signature}) + "\n"


def state_head(*, seq: int, hash: str, at: datetime, key: SigningKey | None) -> HeadStatement:
    """What stands as the head at `at`, signed where there is a key."""
    if key is None:
        return HeadStatement(seq=seq, hash=hash, at=instant_text(at))
    unsigned = HeadStatement(seq=seq, hash=hash, at=instant_text(at), public_key=key.public_key)
    return HeadStatement(**{**unsigned.__dict__, "signature": key.sign(unsigned.content())})


def read_statement(text: str) -> HeadStatement:
    """The statement in a line of JSON, its signature not judged. Raises InputError unless it is written as `line` writes it."""
    try:
        found = json.loads(text)
        stated = HeadStatement(**{name: found[name] for name in HeadStatement.__dataclass_fields__})
        is_statement = (
            type(stated.seq) is int
            and stated.seq >= 0
            and SPELLING.fullmatch(f"{stated.hash} {stated.public_key} {stated.signature}") is not None
            and instant_text(datetime.fromisoformat(stated.at)) == stated.at
            and stated.line().strip() == text.strip()
        )
    except (ValueError, TypeError, KeyError):
        is_statement = False
    if not is_statement:
        raise InputError(
            "this is no statement of a ledger's head", remedy="Give the file as `qe` wrote it, or a head's 64 digits."
        )
    return stated
