"""Letters on their way to a provider or supplier: the gate's permit for each, then the ledger, then the outbox.

An age contact gets its letter sealed, every other one printable. A letter goes also while reports are held (rules.md 0.8).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from qe.disclosure.identifiers import identifiers_found
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.providers import ProviderOrSupplier
from qe.release import packages
from qe.release.artefact import Artefact, ArtefactKind, Decision
from qe.release.contacts import CHANNELS, Channel, Contact, Contacts
from qe.release.gate import may_disclose
from qe.release.lineage import lineage_of, run_of
from qe.release.send import recipient_of
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class OutgoingLetter:
    """One letter with the files it consists of. path: its package in the outbox."""

    cycle: str
    run_id: str
    unit: ProviderOrSupplier
    contact: Contact
    path: Path
    files: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        """Of the files together: what its permit is bound to."""
        return sha256(packages.bundle(self.files)).hexdigest()


def reachable(contacts: Contacts, unit_id: str) -> Contact | None:
    """The contact by which a letter reaches the unit, or None."""
    contact = contacts.usable(unit_id, None)
    if contact is None or (contact.channel == "age" and not packages.is_age_recipient(contact.age_recipient or "")):
        return None
    return contact


def require_reachable(contacts: Contacts, unit_id: str) -> Contact:
    """The same, or InputError that says what to do."""
    contact = reachable(contacts, unit_id)
    if contact is None:
        raise InputError(
            f"{unit_id} has no usable contact, so no letter reaches it",
            remedy="Add one to the contacts file and run `qe run`, or tell it by another way and record that: qe record.",
        )
    return contact


def letter_path(site: Site, channel: Channel, stem: str, *, on: date) -> Path:
    return site.outbox / on.isoformat() / channel / stem


def is_out(site: Site, stem: str, *, on: date) -> bool:
    """Whether the package of this name was written into the outbox on that day, by whatever channel."""
    return any(packages.is_written(letter_path(site, channel, stem, on=on)) for channel in CHANNELS)


def decide_letter(site: Site, facts: Facts, letter: OutgoingLetter) -> Decision:
    """The gate's answer on sending this letter on the day of `facts`."""
    return may_disclose(
        Artefact(
            kind=ArtefactKind.LETTER,
            sha256=letter.sha256,
            operator=site.settings.entity.organisation,
            lineage=lineage_of(run_of(facts, letter.run_id)),
            cycle=letter.cycle,
            identified=frozenset({letter.unit.unit_id}),
            identifiers_found=identifiers_found(letter.files),
            channel=letter.contact.channel,
        ),
        recipient_of(letter.unit),
        on=facts.on,
        ledger=facts,
        entity_zone=site.settings.site.zone,
        day_count=site.settings.review.day_count,
        rehearsal=site.settings.site.rehearsal,
    )


def put_out(
    letters: Sequence[OutgoingLetter],
    events: Sequence[NewEvent],
    site: Site,
    ledger: Ledger,
    *,
    facts: Facts,
    at: datetime,
    actor: str,
    refusal: str,
) -> None:
    """Record `events`, then write the letters into the outbox; nothing is written when the gate refuses any.

    refusal  what is said when it does
    """
    for letter in letters:
        permit = decide_letter(site, facts, letter).require(refusal)
        permit.redeem(sha256=letter.sha256, recipient=recipient_of(letter.unit), on=facts.on, head=facts.head)
    if events:
        ledger.append(events, at=at, actor=actor, expected_head=facts.head)
    for letter in letters:
        packages.write_package(
            letter.path,
            letter.files,
            report_id=f"{letter.cycle}-{letter.unit.unit_id}",
            age_recipient=letter.contact.age_recipient if letter.contact.channel == "age" else None,
        )
