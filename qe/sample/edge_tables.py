"""The edge cases as a block of persons: who they are, their stays, services and fills as the generator's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from qe.sample.adjudicate import DENIED, EXHAUSTED, PAID, REVERSED_AND_REPLACED, STRAIGHT, Desk
from qe.sample.calendar import NEVER, Calendar, day
from qe.sample.claims import DIAGNOSES, INPATIENT, OUTPATIENT, SNF_STAY, Table
from qe.sample.codes import Ints, codes
from qe.sample.edge_cases import WRITTEN_FOR, CaseStay, CaseVisit, EdgeCase, edge_cases
from qe.sample.fills import Fills
from qe.sample.inpatient import LABORATORY, PHARMACY, ROOM, SKILLED, STILL_A_PATIENT
from qe.sample.parameters import Parameters
from qe.sample.people import ADVANTAGE_B, COMMERCIAL_A, COMMERCIAL_B, MEDICARE, MEDIGAP_A, NOBODY, Persons
from qe.sample.providers import CAH, FQHC, LTCH, PSYCHIATRIC, SHORT_TERM, SNF, SWING_BED, Providers
from qe.sample.stays import ARRIVAL, FIRST, PLANNED, UNPLANNED, Stays

PAYERS = {
    "medicare": (MEDICARE, NOBODY),
    "medigap": (MEDICARE, MEDIGAP_A),
    "working_aged": (COMMERCIAL_A, MEDICARE),
    "advantage_b": (ADVANTAGE_B, NOBODY),
    "commercial_b": (COMMERCIAL_B, NOBODY),
}
OUTCOMES = {"paid": PAID, "denied": DENIED, "exhausted": EXHAUSTED}
FEW_DAYS = 3  # between the birthdays of persons whose case names none
EMERGENCY_ROOM, CLINIC = 450, 521


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Positions of the providers that the cases name; general: the hospitals that A, B and C are in turn."""

    general: Sequence[int]
    facilities: Mapping[str, int]
    clinicians: Mapping[str, int]

    def place(self, name: str, case: int) -> int:
        """The facility that a case, by its number, means by `name`."""
        return self.general[(case + "ABC".index(name)) % len(self.general)] if name in "ABC" else self.facilities[name]


def cast(providers: Providers) -> Cast | None:
    """Who plays in the cases; None where a run has too few hospitals for them."""
    general = np.flatnonzero(providers.f_type == SHORT_TERM).tolist()
    first = {
        name: np.flatnonzero(providers.f_type == kind).tolist()
        for name, kind in (("K", CAH), ("PSYCHIATRIC", PSYCHIATRIC), ("LONG_TERM", LTCH), ("NURSING", SNF), ("FQHC", FQHC),
                           ("SWING_BED", SWING_BED))
    }  # fmt: skip
    if len(general) < 3 or not all(first.values()):
        return None
    specialty = np.array(codes().specialties)[providers.c_specialty]
    steady = (providers.c_second_specialty < 0) & (providers.c_new_group < 0)

    def one(*wanted: str, besides: Sequence[int] = ()) -> int:
        fits = np.isin(specialty, wanted) & ~np.isin(providers.c_group, [providers.c_group[other] for other in besides])
        found = np.flatnonzero(fits & steady)
        return int(found[0] if len(found) else np.flatnonzero(fits)[0])

    primary = one("08", "11")
    clinicians = {
        "P0": primary,
        "P1": one("08", "11", "01", "37", "38", besides=[primary]),
        "N0": one("50"),
        "S0": one("06"),
    }
    return Cast(
        general=general,
        facilities={name: places[0] for name, places in first.items()},
        clinicians=clinicians,
    )


def clean(p: Parameters) -> Parameters:
    """The parameters of a block that is dirty only where a case says so."""
    dirt = {
        "denied_claim": 0.0, "denied_line": 0.0, "reversed_and_replaced": 0.0, "replaced": 0.0, "zero_paid_stay": 0.0,
        "adjusted": 0.0, "late_charges": 0.0, "missing_poa": 0.0, "missing_origin": 0.0, "information_only": 1.0,
        "cost_avoided": 1.0,
    }  # fmt: skip
    mistakes = ("first_changed", "last_changed", "last_new", "birth_changed", "sex_changed", "zip_moved",
                "mbi_of_spouse", "two_bene_ids")  # fmt: skip
    right = dict.fromkeys(mistakes, 0.0)
    return p.model_copy(
        update={
            "switches": p.switches.model_copy(update={"noise": 1.0}),
            "dirt": p.dirt.model_copy(update=dirt),
            "identity": p.identity.model_copy(update={**right, "mbi_on_overlap": 1.0}),
            "prices": p.prices.model_copy(update={"capitated": 1.0}),  # of the claims that are not exempt
        }
    )


class ToldDesk(Desk):
    """Adjudicates claims whose outcome and later versions are told in their columns told_outcome and told_history."""

    def _marks(self, claims: Table, payer: Ints) -> None:
        super()._marks(claims, payer)
        claims["outcome"], claims["history"] = claims["told_outcome"], claims["told_history"]
        claims["paid_day"] = claims["thru"] + 21


@dataclass(frozen=True, kw_only=True)
class Told:
    """The cases of one run, in the order of its persons. billers: identifier of each name that can be attributed to."""

    cases: tuple[EdgeCase, ...]
    billers: dict[str, str]
    persons: Persons
    stays: Stays
    price: Ints
    professional: tuple[Table, Table]
    institutional: tuple[Table, Table]
    fills: Fills


class _Builder:
    def __init__(self, providers: Providers, who: Cast, p: Parameters, calendar: Calendar) -> None:
        self.providers, self.who, self.p, self.calendar = providers, who, p, calendar
        self.tables = codes()
        self.stay_rows: list[dict[str, int | float]] = []
        self.claims: dict[str, list[dict[str, object]]] = {"professional": [], "institutional": []}
        self.lines: dict[str, list[dict[str, int]]] = {"professional": [], "institutional": []}

    def day(self, text: str) -> int:
        """A date of the cases in this run's years; 29 February may become the 28th."""
        told = date.fromisoformat(text)
        last = 28 if (told.month, told.day) == (2, 29) else told.day
        return day(told.year + self.calendar.first - WRITTEN_FOR, told.month, last)

    def diagnoses(self, *found: str) -> Ints:
        row = np.full(DIAGNOSES, -1, dtype=np.int64)
        row[: len(found)] = [self.tables.diagnosis(code) for code in found]
        return row

    def stay(self, person: int, stay: CaseStay) -> None:
        tables, kind = self.tables, self.tables.stay(stay.kind)
        place = self.who.place(stay.at, person)
        admit, discharge = (self.day(text) for text in stay.days.split())
        dx = stay.dx or tables.diagnoses[tables.stay_diagnoses[kind][0]]
        px = tables.procedures.index(stay.px) if stay.px else int(tables.stay_procedures[kind][0])
        price = round(tables.stay_drg_weight[kind] * self.p.prices.drg_base * 100 * self.providers.f_wage[place])
        is_nursing = stay.at in ("NURSING", "SWING_BED")
        number = -1
        if not is_nursing:
            if stay.continues:
                self.stay_rows[-1] |= {"discharge": discharge, "status": stay.status}
            else:
                why = (
                    ARRIVAL if stay.origin == 4 and self.stay_rows and self.stay_rows[-1]["person"] == person else FIRST
                )
                follows = bool(self.stay_rows) and self.stay_rows[-1]["person"] == person and why == FIRST
                if follows and 0 <= admit - self.stay_rows[-1]["discharge"] <= 30:
                    why = PLANNED if stay.kind in ("chemotherapy", "hip_replacement") else UNPLANNED
                self.stay_rows.append(
                    {"person": person, "why": why, "kind": kind, "hospital": place, "admit": admit, "discharge": discharge,
                     "status": stay.status, "diagnosis": tables.diagnosis(dx), "procedure": px, "origin": stay.origin,
                     "price": price}
                )  # fmt: skip
            number = len(self.stay_rows) - 1
        ends = [*(self.day(text) for text in stay.bills), discharge]
        begin = admit
        for bill, thru in enumerate(ends):
            is_last = bill == len(ends) - 1
            days = max(thru - begin + (0 if is_last else 1), 1)
            total = days * round(self.p.prices.snf_day * 100) if is_nursing else price // len(ends)
            frequency = 1 if len(ends) == 1 else (4 if is_last else (2 if bill == 0 else 3))
            claim = self.facility_claim(person, place, begin, thru, self.diagnoses(dx, *stay.also), total)
            claim |= {
                "type": SNF_STAY if is_nursing else INPATIENT,
                "admit": admit,
                "discharge": discharge if is_last else -1,
                "status": stay.status if is_last else STILL_A_PATIENT,
                "frequency": frequency,
                "drg": -1 if is_nursing else int(tables.stay_drg[kind]),
                "origin": stay.origin,
                "urgency": 1,
                "procedures": -1 if is_nursing else px,
                "procedure_day": admit,
                "stay": number,
                "covered_days": days,
                "first_bill": int(bill == 0),
                "told_outcome": OUTCOMES[stay.outcome],
            }
            parts = ((SKILLED, 0), (ROOM, 100)) if is_nursing else ((ROOM, 55), (PHARMACY, 25), (LABORATORY, 20))
            self.add("institutional", claim, _revenue_lines(begin, days, total, parts))
            begin = thru + 1

    def facility_claim(
        self, person: int, place: int, start: int, thru: int, diagnoses: Ints, total: int
    ) -> dict[str, object]:
        return {
            "person": person, "type": OUTPATIENT, "facility": place, "admit": -1, "start": start, "thru": thru,
            "discharge": -1, "status": 1, "frequency": 1, "drg": -1, "origin": -1, "urgency": -1, "diagnoses": diagnoses,
            "procedures": -1, "procedure_day": -1, "cents": total, "stay": -1, "covered_days": 0, "first_bill": 1,
            "exempt": 1, "told_outcome": PAID, "told_history": STRAIGHT,
        }  # fmt: skip

    def visit(self, person: int, visit: CaseVisit) -> None:
        tables, on = self.tables, self.day(visit.day)
        if visit.by in ("FQHC", "EMERGENCY"):
            at_centre = visit.by == "FQHC"
            service = tables.service("G0467" if at_centre else visit.code)
            place = self.who.place("FQHC" if at_centre else "A", person)
            fee = round(self.p.prices.fqhc_visit if at_centre else float(tables.facility_fee[service])) * 100
            claim = self.facility_claim(person, place, on, on, self.diagnoses(visit.dx), fee)
            revenue = CLINIC if at_centre else EMERGENCY_ROOM
            line = {"revenue": revenue, "service": service, "day": on, "units": 1, "cents": fee}
            self.add("institutional", claim, [line])
            return
        clinician = self.who.clinicians[visit.by]
        biller = self.who.clinicians[visit.billed_by or visit.by]
        service = tables.service(visit.code)
        cents = visit.cents or round(float(tables.fee[service]) * 100)
        history = REVERSED_AND_REPLACED if visit.history == "reversed_and_replaced" else STRAIGHT
        claim = {
            "person": person, "day": on, "thru": on, "clinician": clinician, "group": int(self.providers.c_group[biller]),
            "place": visit.place, "facility": -1, "referring": -1, "diagnoses": self.diagnoses(visit.dx), "supplier": 0,
            "exempt": int(not visit.capitated), "told_outcome": OUTCOMES[visit.outcome], "told_history": history,
        }  # fmt: skip
        self.add("professional", claim, [{"service": service, "day": on, "units": 1, "cents": cents, "marker": 0}])

    def add(self, kind: str, claim: dict[str, object], lines: Sequence[dict[str, int]]) -> None:
        self.lines[kind] += [{"claim": len(self.claims[kind]), **line} for line in lines]
        self.claims[kind].append(claim)

    def tables_of(self, kind: str) -> tuple[Table, Table]:
        return _columns(self.claims[kind]), _columns(self.lines[kind])


def _columns(rows: Sequence[Mapping[str, object]]) -> Table:
    return {name: np.array([row[name] for row in rows], dtype=np.int64) for name in rows[0]}


def _revenue_lines(start: int, days: int, total: int, parts: tuple[tuple[int, int], ...]) -> list[dict[str, int]]:
    """Lines by revenue code and percentage; the last takes the rest."""
    found, left = [], total
    for place, (code, percent) in enumerate(parts):
        cents = left if place == len(parts) - 1 else total * percent // 100
        left -= cents
        units = days if code == ROOM else 1
        found.append({"revenue": code, "service": -1, "day": start, "units": units, "cents": cents})
    return found


def told(providers: Providers, p: Parameters, calendar: Calendar, *, first: int) -> Told | None:
    """The block of the edge cases, numbered from `first`; None where the providers cannot play them."""
    who = cast(providers)
    if who is None:
        return None
    cases = edge_cases()
    builder = _Builder(providers, who, p, calendar)
    for person, case in enumerate(cases):
        for stay in case.stays:
            builder.stay(person, stay)
        for visit in case.visits:
            builder.visit(person, visit)
    return Told(
        cases=cases,
        billers={
            **{name: providers.g_tin[providers.c_group[place]] for name, place in who.clinicians.items()},
            "FQHC": providers.f_ccn[who.facilities["FQHC"]],
        },
        persons=_persons(cases, builder, first),
        stays=_stays(builder.stay_rows),
        price=np.array([row["price"] for row in builder.stay_rows], dtype=np.int64),
        professional=builder.tables_of("professional"),
        institutional=builder.tables_of("institutional"),
        fills=_fills(cases, builder),
    )


def _persons(cases: Sequence[EdgeCase], builder: _Builder, first: int) -> Persons:
    count, calendar, who = len(cases), builder.calendar, builder.who
    numbers = np.arange(count)
    born = builder.day("1953-03-01") + FEW_DAYS * numbers
    birth = np.array([builder.day(case.birth) if case.birth else int(born[place]) for place, case in enumerate(cases)])
    death = np.array([builder.day(case.death) if case.death else NEVER for case in cases])
    months = calendar.months
    pays = np.array([PAYERS[case.payer] for case in cases])
    primary, secondary = (np.repeat(pays[:, [place]], months, axis=1) for place in (0, 1))
    for place, case in enumerate(cases):
        for span in case.out:
            since, until = (int(calendar.month_of(np.array([builder.day(f"{month}-01")]))[0]) for month in span.split())
            primary[place, since : until + 1] = secondary[place, since : until + 1] = NOBODY
    in_medicare = np.isin(primary, (MEDICARE, ADVANTAGE_B)) | (secondary == MEDICARE)
    never = np.zeros(count, dtype=np.bool_)
    zero = np.zeros(count, dtype=np.int64)
    home = who.clinicians["P0"]
    group = zero + builder.providers.c_group[home]
    hospital = np.array([who.place("A", case) for case in range(count)])
    return Persons(
        first=first, segment=pays[:, 0], birth=birth, like=zero, sex=zero + 2, race=zero + 1,
        zip=numbers % len(builder.providers.zips), frailty=zero.astype(np.float64),
        conditions=np.zeros((count, len(codes().conditions)), dtype=np.bool_), esrd=never, disabled=never, death=death,
        primary=primary, secondary=secondary, part_a=in_medicare, part_b=in_medicare.copy(), part_d=~never, dual=never,
        hospice=never, hospital=hospital, group=group, new_group=group, clinician=zero + home,
        new_clinician=zero + home, care=zero, tie=zero, tie_group=zero, person_adherence=zero.astype(np.float64),
    )  # fmt: skip


def _stays(rows: Sequence[Mapping[str, int | float]]) -> Stays:
    count = len(rows)

    def column(name: str) -> Ints:
        return np.array([row[name] for row in rows], dtype=np.int64)

    person, why, admit = column("person"), column("why"), column("admit")
    number = np.arange(count)
    follows = np.zeros(count, dtype=np.bool_)
    follows[1:] = person[1:] == person[:-1]
    upcoming = np.append(np.where(follows[1:], admit[1:], NEVER), NEVER)
    kind = column("kind")
    return Stays(
        person=person, why=why, kind=kind, hospital=column("hospital"), admit=admit, discharge=column("discharge"),
        status=column("status"), diagnosis=column("diagnosis"), procedure=column("procedure"),
        is_acs=np.isin(kind, codes().stay_parts["acs"]), is_elective=np.isin(kind, codes().stay_parts["elective"]),
        exclusion_code=np.full(count, -1), origin=column("origin"),
        earlier_stay=np.where(why == ARRIVAL, number - 1, -1),
        readmission_of=np.where(np.isin(why, (PLANNED, UNPLANNED)), number - 1, -1),
        probability=np.full(count, np.nan), number=number, next_admission=upcoming,
    )  # fmt: skip


def _fills(cases: Sequence[EdgeCase], builder: _Builder) -> Fills:
    tables = builder.tables
    rows = [
        (person, builder.day(fill.day) + fill.every * time, tables.drug_ingredients.index(fill.drug), fill.supply,
         time, int(fill.returned))
        for person, case in enumerate(cases)
        for fill in case.fills
        for time in range(fill.times)
    ]  # fmt: skip
    person, on, drug, supply, number, returned = np.array(rows, dtype=np.int64).T
    price = tables.drug_daily_cost[drug] * supply + builder.p.fills.dispensing_fee
    return Fills(
        person=person, day=on, drug=drug, package=0 * drug, supply=supply, number=number,
        cents=np.round(price * 100).astype(np.int64), returned=returned,
    )  # fmt: skip
