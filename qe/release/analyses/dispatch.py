"""The one way out for everything about an analysis: the gate's answer, its permit, the intent in the ledger, then the package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from qe.errors import Reason
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.release import packages
from qe.release.artefact import Artefact, Decision, Recipient
from qe.release.contacts import Contact, Contacts
from qe.release.gate import may_disclose
from qe.release.releases import When
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One thing that would leave.

    said     the refusal's sentence
    files    the package: name -> bytes
    contact  by which it goes; None when there is no usable one, and the gate refuses for want of a channel
    path     in the outbox, without an ending
    intent   the event recorded before the package is written; None: it is recorded already
    """

    said: str
    artefact: Artefact
    recipient: Recipient
    files: Mapping[str, bytes]
    contact: Contact | None
    path: Path
    package_id: str
    intent: NewEvent | None


def digest_of(files: Mapping[str, bytes]) -> str:
    """sha256 of what a package holds, whatever seals it."""
    return sha256(packages.bundle(files)).hexdigest()


def usable_contact(contacts: Contacts, key: str) -> Contact | None:
    """The contact by which something can go to a unit or party; an age contact only with a real key."""
    contact = contacts.usable(key, None)
    if contact is not None and contact.channel == "age" and not packages.is_age_recipient(contact.age_recipient or ""):
        return None
    return contact


def is_in_outbox(path: Path) -> bool:
    return packages.is_written(path)


def decide(site: Site, facts: Facts, outgoing: Outgoing, *, when: When) -> Decision:
    """The gate's answer on one thing."""
    return may_disclose(
        outgoing.artefact,
        outgoing.recipient,
        on=when.on,
        ledger=facts,
        at=when.instant,
        entity_zone=site.settings.site.zone,
        day_count=site.settings.review.day_count,
        rehearsal=site.settings.site.rehearsal,
    )


def dispatch(
    site: Site, ledger: Ledger, facts: Facts, going: Sequence[Outgoing], *, when: When, actor: str, digest: str = ""
) -> tuple[Reason, ...]:
    """Record the intents, then write the packages; nothing happens when the gate refuses any. The reasons of the first.

    digest  of a staged analysis, read again from its bytes; of all else the digest is that of the package's own files
    """
    decisions = [decide(site, facts, one, when=when) for one in going]
    permits = [decision.require(one.said) for one, decision in zip(going, decisions, strict=True)]
    for one, permit in zip(going, permits, strict=True):
        permit.redeem(sha256=digest or digest_of(one.files), recipient=one.recipient, on=when.on, head=facts.head)
    intents = [one.intent for one in going if one.intent is not None]
    if intents:
        ledger.append(intents, at=when.at, actor=actor, expected_head=facts.head)
    for one in going:
        assert one.contact is not None  # the gate refuses without a channel
        sealed_for = one.contact.age_recipient if one.contact.channel == "age" else None
        packages.write_package(one.path, one.files, report_id=one.package_id, age_recipient=sealed_for)
    return decisions[0].reasons if decisions else ()
