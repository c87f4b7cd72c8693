"""Files that came with a request: kept encrypted, or sealed unread where they may be what nobody here may read (rules.md R9).

A file that may hold patient safety work product (42 CFR Part 3) or Part 2 records is sealed for a key of its own, whose secret
half no setting names: no command opens it but `open_again`, with the key that the reviewing officer brings. The ledger has its
sha256, size and kind, and its name stands nowhere. The event comes first, then the file: the same command again finishes it.
"""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, assert_never, get_args

import polars as pl
import pyrage

from qe import warehouse
from qe.errors import Findings, InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release.packages import is_age_recipient, seal, write_private
from qe.release.requests import request_of
from qe.release.standing import reason
from qe.site import Site

AttachmentKind = Literal["none", "pswp_suspected", "part2_suspected", "unknown"]
Place = Literal["encrypted", "sealed", "missing"]
CITATION: Final = "42 CFR 3.206(a), 42 CFR 2.12"
QUESTION: Final = (
    "may it be patient safety work product, or hold records of a substance use disorder programme (Part 2)?"
)
NO_RECIPIENT: Final = "there is no key to seal it for: qe.toml names no sealing_recipient that is a public key of age"


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file as it came. kind: what whoever took it in suspects in it; "unknown" counts as suspected."""

    content: bytes
    kind: AttachmentKind

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An attachment of one request as the ledger holds it. kind: as it was answered last, for whichever request."""

    sha256: str
    size: int
    kind: AttachmentKind

    @property
    def is_sealed(self) -> bool:
        return _is_suspected(self.kind)


def _is_suspected(kind: AttachmentKind) -> bool:
    match kind:
        case "none":
            return False
        case "pswp_suspected" | "part2_suspected" | "unknown":
            return True
    assert_never(kind)


def read_attachments(files: Sequence[Path], kind: AttachmentKind | None) -> tuple[Attachment, ...]:
    """The files with the answer that goes for all of them. No error names a file: its name may be a person's."""
    if kind is None and files:
        answers = ", ".join(one.replace("_", "-") for one in get_args(AttachmentKind))
        raise InputError(f"an attachment came without an answer: {QUESTION}", remedy=f"--attachment-is {answers}.")
    if kind is not None and not files:
        raise InputError("--attachment-is came without an attachment", remedy="Give the file: --attachment FILE.")
    return tuple(
        Attachment(content=_read(file, number), kind=kind)
        for number, file in enumerate(files, start=1)
        if kind is not None
    )


def _read(file: Path, number: int) -> bytes:
    try:
        content = file.read_bytes()
    except OSError:
        raise InputError(f"attachment {number} cannot be read", remedy="Check its path and permissions.") from None
    if not content:
        raise InputError(f"attachment {number} is empty", remedy="Give the file as it came.")
    return content


def receipts(
    site: Site, facts: Facts, request_id: str, attachments: Sequence[Attachment], *, on: date
) -> list[NewEvent]:
    """What is to be recorded of attachments that do not stand recorded so for this request.

    Refused: a file is to be kept unsealed that was suspected before, and that no officer has opened since.
    """
    found = []
    for one in attachments:
        if one.kind == "none":
            _require_reviewed(facts, one)
        elif not is_age_recipient(site.settings.site.sealing_recipient or ""):
            raise InputError(
                NO_RECIPIENT,
                remedy="Make a key pair outside the site (age-keygen -o FILE), and set [site] sealing_recipient to its public key.",
            )
        told = facts.of("attachment_received", request_id=request_id, attachment_sha256=one.sha256)
        if not told or _kind_of(facts, one.sha256) != one.kind:
            found.append(
                NewEvent(
                    kind="attachment_received",
                    effective_on=on,
                    payload={
                        "request_id": request_id,
                        "attachment_sha256": one.sha256,
                        "bytes": len(one.content),
                        "kind": one.kind,
                    },
                    key=f"attachment_received:{request_id}:{one.sha256}:{len(told) + 1}",
                )
            )
    return list({event.key: event for event in found}.values())


def _require_reviewed(facts: Facts, one: Attachment) -> None:
    last = _last_receipt(facts, one.sha256)
    if last is None or not _is_suspected(_kind(last)):
        return
    opened = facts.of("attachment_opened", attachment_sha256=one.sha256)
    if not any(facts.events.index(event) > facts.events.index(last) for event in opened):
        said = "this file lies sealed as one that may not be read, and nobody has reviewed it since"
        raise Refused(
            said,
            reasons=(reason("R9", CITATION, "fail", said),),
            remedy="The reviewing officer opens it first: qe request open REQUEST --key FILE --to FILE.",
        )


def _last_receipt(facts: Facts, digest: str) -> LedgerEvent | None:
    return next(iter(facts.of("attachment_received", attachment_sha256=digest)[::-1]), None)


def _kind(receipt: LedgerEvent) -> AttachmentKind:
    return next(kind for kind in get_args(AttachmentKind) if kind == receipt.text("kind"))


def _kind_of(facts: Facts, digest: str) -> AttachmentKind | None:
    last = _last_receipt(facts, digest)
    return None if last is None else _kind(last)


def keep(site: Site, attachments: Sequence[Attachment]) -> None:
    """Write what is not there yet. A file that is suspected now is sealed, and its readable copy goes."""
    for one in attachments:
        encrypted, sealed = _encrypted_path(site, one.sha256), _sealed_path(site, one.sha256)
        if not _is_suspected(one.kind):
            if not encrypted.exists():
                _encrypt(site, encrypted, one.content)
            continue
        if not sealed.exists():
            assert site.settings.site.sealing_recipient is not None
            sealed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(sealed, seal(one.content, site.settings.site.sealing_recipient))
        encrypted.unlink(missing_ok=True)


def _encrypted_path(site: Site, digest: str) -> Path:
    return site.store / "attachments" / f"{digest}.duckdb"


def sealed_folder(site: Site) -> Path:
    """A folder of its own, from which nothing reads but `open_again`."""
    return site.store / "sealed"


def _sealed_path(site: Site, digest: str) -> Path:
    return sealed_folder(site) / f"{digest}.age"


def _encrypt(site: Site, path: Path, content: bytes) -> None:
    with warehouse.build(path, site.vault_key(), engine=site.engine()) as db:  # letters hold names
        db.create_table("attachment", pl.DataFrame({"bytes": [content]}))


def _decrypt(site: Site, path: Path) -> bytes:
    with warehouse.open_read_only(path, site.vault_key(), engine=site.engine(), lock=False) as db:
        return bytes(db.scalar("select bytes from attachment"))


def attachments_of(facts: Facts, request_id: str) -> tuple[Kept, ...]:
    """The attachments of a request, each once, in order of recording."""
    found: dict[str, Kept] = {}
    for event in facts.of("attachment_received", request_id=request_id):
        digest = event.text("attachment_sha256")
        kind = _kind_of(facts, digest)
        assert kind is not None
        found[digest] = Kept(sha256=digest, size=event.count("bytes"), kind=kind)
    return tuple(found.values())


def place_of(site: Site, one: Kept) -> Place:
    """Where it lies; missing: an add that was stopped, to be repeated with the same file."""
    path = _sealed_path(site, one.sha256) if one.is_sealed else _encrypted_path(site, one.sha256)
    if not path.exists():
        return "missing"
    return "sealed" if one.is_sealed else "encrypted"


def open_again(
    site: Site,
    ledger: Ledger,
    request_id: str,
    *,
    starts_with: str,
    key_file: Path | None,
    to: Path,
    on: date,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> Kept:
    """Write one attachment in the clear to a new file outside the site, for whoever answers or reviews; who did is recorded first.

    starts_with  of its sha256; "" where the request has one attachment alone
    key_file     of a sealed one: the secret half of the sealing key, as age-keygen writes it
    """
    facts = state_as_of(ledger, on)
    request_of(facts, request_id)
    one = _the_one(facts, request_id, starts_with)
    _require_outside(site, to, "the file to write")
    if to.exists():
        raise InputError("the file to write is there already", remedy="Name a new one: --to FILE.")
    if place_of(site, one) == "missing":
        raise InputError(
            "the attachment is recorded, but its file was never written", remedy="Repeat its `qe request add`."
        )
    content = _unsealed(site, one, key_file) if one.is_sealed else _decrypt(site, _encrypted_path(site, one.sha256))
    if sha256(content).hexdigest() != one.sha256:
        raise Findings("the attachment is not the file that was recorded", remedy="Restore it from a backup.")
    if not dry_run:
        event = NewEvent(
            kind="attachment_opened",
            effective_on=on,
            payload={"request_id": request_id, "attachment_sha256": one.sha256, "was_sealed": one.is_sealed},
            key=f"attachment_opened:{request_id}:{one.sha256}:{_times_received(facts, one)}:{actor}:{on}",
        )
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
        write_private(to, content)
    return one


def _times_received(facts: Facts, one: Kept) -> int:
    return len(facts.of("attachment_received", attachment_sha256=one.sha256))


def _the_one(facts: Facts, request_id: str, starts_with: str) -> Kept:
    found = [one for one in attachments_of(facts, request_id) if one.sha256.startswith(starts_with)]
    if len(found) != 1:
        raise InputError(
            f"{len(found)} attachments of {request_id} are meant",
            remedy="Name one by the first digits of its sha256, as `qe request list --json` shows it: --attachment SHA256.",
        )
    return found[0]


def _require_outside(site: Site, path: Path, what: str) -> None:
    if path.resolve().is_relative_to(site.root):
        raise InputError(f"{what} lies inside the site", remedy="Name a file outside it.")


def _unsealed(site: Site, one: Kept, key_file: Path | None) -> bytes:
    if key_file is None:
        raise InputError("the attachment is sealed", remedy="Its reviewing officer brings the key: --key FILE.")
    _require_outside(site, key_file, "the key file")
    try:
        return bytes(pyrage.decrypt(_sealed_path(site, one.sha256).read_bytes(), [_identity(key_file)]))
    except pyrage.DecryptError:
        raise InputError(
            "this key does not open the attachment", remedy="Use the key that it was sealed for."
        ) from None


def _identity(key_file: Path) -> pyrage.x25519.Identity:
    try:
        lines = key_file.read_text(encoding="ascii").splitlines()
        (secret,) = [line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-")]
        identity = pyrage.x25519.Identity.from_str(secret)
        mode = key_file.stat().st_mode
    except (OSError, UnicodeDecodeError, ValueError, pyrage.IdentityError):
        raise InputError(
            f"the key file {key_file.name} holds no key of age", remedy="Give the file as age-keygen wrote it."
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"the key file {key_file.name} can be read by others", remedy=f"chmod 600 {key_file.name}")
    return identity
