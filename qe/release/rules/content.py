"""What the bytes hold and how they travel: patients (G16), de-identification (G17), transport (G22), identifiers (G23)."""

from typing import Final

from qe.errors import Reason
from qe.ledger.fold import Facts
from qe.regulation import VISIT_MONTHS
from qe.release.artefact import Artefact, ArtefactKind
from qe.release.rules.paragraph import Paragraph

PATIENTS: Final = Paragraph("G16", "42 CFR 401.703(r)")
DE_IDENTIFIED: Final = Paragraph("G17", "45 CFR 164.514(b)")
ENCRYPTED: Final = Paragraph("G22", "42 CFR 401.713(a)")
SEARCHED: Final = Paragraph("G23", "42 CFR 401.713(a), 45 CFR 164.514(b)")
SECURE_CHANNELS: Final = frozenset({"portal", "age", "mail", "courier"})  # rules.md section 0.2


def patients_only(artefact: Artefact) -> Reason:
    """G16: nobody is identified to the public; of an extract every row is behind the appealed result; else patients alone."""
    persons, patients = artefact.persons, PATIENTS.on(artefact.kind)
    if persons is None:
        return patients.fails("it is not known how many persons it identifies")
    match artefact.kind:
        case ArtefactKind.PUBLIC_REPORT:
            return _nobody(persons.identified, patients)
        case ArtefactKind.PROVIDER_DATA_EXTRACT if persons.outside_lineage is None:
            return patients.fails("it is not known whether all rows are behind the result under appeal")
        case ArtefactKind.PROVIDER_DATA_EXTRACT:
            if persons.outside_lineage:
                return patients.fails(f"{persons.outside_lineage:,} rows are not behind the result under appeal")
            return patients.passes(f"all rows, of {persons.identified:,} persons, are behind the result under appeal")
        case _:
            if persons.without_visit:
                said = f"{persons.without_visit:,} of {persons.identified:,} persons have no visit with the recipient"
                return patients.fails(f"{said} in the {VISIT_MONTHS} months before")
            return patients.passes(f"all {persons.identified:,} persons visited it in the {VISIT_MONTHS} months before")


def _nobody(identified: int, patients: Paragraph) -> Reason:
    if identified:
        return patients.fails(f"it identifies {identified:,} persons")
    return patients.passes("it identifies no person")


def de_identified(facts: Facts, artefact: Artefact) -> Reason:
    """G17: exactly these bytes were determined to be de-identified; public reports hold aggregates alone."""
    if artefact.kind is ArtefactKind.PUBLIC_REPORT:
        return _aggregate(artefact)
    determined = DE_IDENTIFIED.on(artefact.kind)
    recorded = [
        event
        for event in facts.of("deid_recorded", artefact_sha256=artefact.sha256)
        if artefact.sha256 and event.day("determined_on") <= facts.on
    ]
    if not recorded:
        return determined.fails("no determination that exactly these bytes are de-identified is on record")
    newest = recorded[-1]
    if facts.on > newest.day("valid_until"):
        return determined.fails(f"the determination ended on {newest.day('valid_until')}")
    method = newest.text("method").replace("_", " ")
    if method == "safe harbor" and not newest.flag("no_actual_knowledge"):
        return determined.fails("nobody attested to have no actual knowledge (164.514(b)(2)(ii))")
    return determined.passes(f"de-identified by {method}, on record until {newest.day('valid_until')}")


def _aggregate(artefact: Artefact) -> Reason:
    determined = DE_IDENTIFIED.on(artefact.kind)
    if artefact.persons is None or artefact.persons.identified:
        return determined.fails("it is not known to hold aggregates alone")
    return determined.passes("aggregates alone; their cells are judged by G18")


def encrypted_on_its_way(artefact: Artefact) -> Reason:
    """G22: it goes by a channel that no stranger reads; plain e-mail carries nothing but a notice that something waits."""
    if artefact.channel not in SECURE_CHANNELS:
        return ENCRYPTED.fails("it would not go by portal, age file, tracked mail or courier")
    return ENCRYPTED.passes(f"goes by {artefact.channel}")


def searched_for_identifiers(artefact: Artefact) -> Reason:
    """G23: the rendered bytes were searched for identifiers of persons, and hold none."""
    searched = SEARCHED.on(artefact.kind)
    if artefact.identifiers_found is None:
        return searched.fails("the rendered bytes were not searched for identifiers of persons")
    if artefact.identifiers_found:
        return searched.fails(f"the rendered bytes hold {artefact.identifiers_found:,} of what looks like identifiers")
    return searched.passes("the rendered bytes hold no identifier of a person")
