"""The way out for everything that goes in a package: the gate's answer, its permit, the intent in the ledger, then the package.

The permit is redeemed for the digest of the very bytes about to be written; nothing is written when the gate refuses any.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from qe.disclosure.identifiers import identifiers_found
from qe.errors import Fault, InputError
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.providers import ProviderOrSupplier
from qe.release import packages
from qe.release.artefact import Artefact, ArtefactKind, Decision, Recipient, recipient_of
from qe.release.contacts import CHANNELS, NO_CONTACT, Channel, Contact, Contacts
from qe.release.gate import may_disclose
from qe.release.lineage import lineage_of, run_of
from qe.reports.address_page import render_address_page
from qe.site import Site

ADDRESS_PAGE: Final = "address.pdf"


def digest_of(files: Mapping[str, bytes]) -> str:
    """sha256 of what a package holds, whatever seals it."""
    return sha256(packages.bundle(files)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One package that would leave.

    said     the refusal's sentence
    files    the package: name -> bytes
    contact  by which it goes; None when there is no usable one, and the gate refuses for want of a channel
    path     in the outbox, without an ending
    intent   the event recorded before the package is written; None: it is recorded already
    digest   of the files, as the artefact's sha256 was made
    is_data  claims themselves: sealed for the recipient's own key also where media or paper would carry them
    """

    said: str
    artefact: Artefact
    recipient: Recipient
    files: Mapping[str, bytes]
    contact: Contact | None
    path: Path
    package_id: str
    intent: NewEvent | None
    digest: Callable[[Mapping[str, bytes]], str] = digest_of
    is_data: bool = False

    def __post_init__(self) -> None:
        if self.is_data and self.contact is not None and not self.contact.age_recipient:
            raise ValueError("data go sealed for a key of the recipient, whatever carries them")

    @property
    def sealed_for(self) -> str | None:
        """The key that the package is sealed for, or None where it goes printed."""
        assert self.contact is not None  # the gate refuses without a channel
        return self.contact.age_recipient if self.is_data else self.contact.sealed_for


def decide(
    site: Site, facts: Facts, artefact: Artefact, recipient: Recipient, *, at: datetime | None = None
) -> Decision:
    """The gate's answer on the day of `facts`, by the settings of the site. at: the instant, where a day must be over."""
    return may_disclose(
        artefact,
        recipient,
        on=facts.on,
        ledger=facts,
        at=at,
        entity_zone=site.settings.site.zone,
        day_count=site.settings.review.day_count,
        rehearsal=site.settings.site.rehearsal,
    )


def judge(site: Site, facts: Facts, going: Sequence[Outgoing], *, at: datetime | None = None) -> list[Decision]:
    """The gate's answer on each package."""
    return [decide(site, facts, one.artefact, one.recipient, at=at) for one in going]


def put_out(
    site: Site,
    ledger: Ledger,
    facts: Facts,
    going: Sequence[Outgoing],
    *,
    at: datetime,
    actor: str,
    instant: datetime | None = None,
) -> None:
    """Record the intents, then write the packages; nothing happens when the gate refuses any.

    at  now, for the ledger; instant: the moment that the gate judges, where a day must be over
    """
    decisions = judge(site, facts, going, at=instant)
    permits = [decision.require(one.said) for one, decision in zip(going, decisions, strict=True)]
    for one, permit in zip(going, permits, strict=True):
        permit.redeem(sha256=one.digest(one.files), recipient=one.recipient, on=facts.on, head=facts.head)
    intents = [one.intent for one in going if one.intent is not None]
    if intents:
        ledger.append(intents, at=at, actor=actor, expected_head=facts.head)
    for one in going:
        packages.write_package(one.path, one.files, report_id=one.package_id, age_recipient=one.sealed_for)


def letter_to(
    site: Site,
    facts: Facts,
    unit: ProviderOrSupplier,
    contact: Contact,
    files: Mapping[str, bytes],
    *,
    cycle: str,
    run_id: str,
    path: Path,
    said: str,
    intent: NewEvent | None,
) -> Outgoing:
    """A letter to a provider or supplier about itself; it goes also while reports are held (rules.md section 0.8).

    By mail it gets a first sheet with the address, which is bound by the permit as the letter is, and stands nowhere else.
    """
    files = {**address_page(site, unit.name, contact), **files}
    return Outgoing(
        said=said,
        artefact=Artefact(
            kind=ArtefactKind.LETTER,
            sha256=digest_of(files),
            operator=site.settings.entity.organisation,
            lineage=lineage_of(run_of(facts, run_id)),
            cycle=cycle,
            identified=frozenset({unit.unit_id}),
            identifiers_found=identifiers_found(files),
            channel=contact.channel,
        ),
        recipient=recipient_of(unit),
        files=files,
        contact=contact,
        path=path,
        package_id=f"{cycle}-{unit.unit_id}",
        intent=intent,
    )


def every_letter(makes: Iterable[Callable[[], Outgoing]]) -> list[Outgoing]:
    """The letters in their order, or InputError with the faults of all that cannot be made."""
    made: list[Outgoing] = []
    faults: list[Fault] = []
    for make in makes:
        try:
            made.append(make())
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError.of(faults)
    return made


def address_page(site: Site, name: str, contact: Contact) -> Mapping[str, bytes]:
    """The sheet that goes before what is sent by mail; nothing for the other channels. name: the recipient's.

    InputError: the window of the envelope would not show all of it.
    """
    if contact.channel != "mail" or contact.address is None:
        return {}
    organisation = site.settings.entity.organisation
    page = render_address_page(organisation=organisation, name=name, address=contact.address, unit_id=contact.unit_id)
    return {ADDRESS_PAGE: page}


def require_reachable(contacts: Contacts, unit_id: str) -> Contact:
    """The unit's usable contact, or InputError that says what to do."""
    contact = contacts.usable(unit_id, None)
    if contact is None:
        raise InputError(
            f"{unit_id} has {NO_CONTACT}, so no letter reaches it",
            remedy="Add one to the contacts file and run `qe run`, or tell it by another way and record that: qe record.",
        )
    return contact


def outbox_path(site: Site, channel: Channel, stem: str, *, on: date) -> Path:
    """Where a package lies, without its ending. An id may hold what a file name may not."""
    return site.outbox / on.isoformat() / channel / stem.replace("/", "-")


def is_out(site: Site, stem: str, *, on: date) -> bool:
    """Whether the package of this name was written into the outbox on that day, by whatever channel."""
    return any(packages.is_written(outbox_path(site, channel, stem, on=on)) for channel in CHANNELS)
