"""Claims of stays: hospital bills, post-acute bills, hospice and the clinicians' claims inside (section 4)."""

import numpy as np

from qe.sample.calendar import NEVER, Calendar
from qe.sample.claims import HOSPICE, INPATIENT, SNF_STAY, Table, cents, compact, stack_claims, with_principal
from qe.sample.codes import Bools, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.people import Persons
from qe.sample.providers import HOSPICE_PROVIDER, LTCH, PSYCHIATRIC, REHABILITATION, SNF, Providers
from qe.sample.services import Services
from qe.sample.stays import ARRIVAL, PLANNED, Stays

INPATIENT_PLACE, SNF_PLACE, NURSING_PLACE = 21, 31, 32
TO_SNF, TO_REHABILITATION, TO_LTCH, STILL_A_PATIENT = 3, 62, 63, 30
ROOM, PHARMACY, LABORATORY, SKILLED, HOSPICE_DAY = 120, 250, 300, 22, 651


class StayWriter:
    """Turns the stays of one block into claims. Use `stay_claims`."""

    def __init__(
        self,
        rng: np.random.Generator,
        persons: Persons,
        stays: Stays,
        services: Services,
        providers: Providers,
        p: Parameters,
        calendar: Calendar,
    ) -> None:
        self.rng, self.persons, self.stays, self.providers, self.p = rng, persons, stays, providers, p
        self.calendar = calendar
        count = len(stays)
        shown = persons.conditions[stays.person] & (rng.random((count, persons.conditions.shape[1])) < 0.8)
        others = compact(shown, services.condition_codes[stays.person], 9)
        others = np.concatenate([stays.exclusion_code[:, None], others], axis=1)
        self.diagnoses = with_principal(stays.diagnosis, compact(others >= 0, others, 10))
        self.interim = (
            (rng.random(count) < p.stays.interim_bills)
            & (stays.discharge - stays.admit >= 2)
            & (stays.hospital < providers.hospitals)
        )
        tables = codes()
        wage = providers.f_wage[stays.hospital]
        price = tables.stay_drg_weight[stays.kind] * p.prices.drg_base * 100 * wage
        self.price = np.round(price).astype(np.int64)

    def hospital(self) -> tuple[Table, Table]:
        """Bills of the stays: one each, two where interim."""
        stays, tables = self.stays, codes()
        count = len(stays)
        bills = np.where(self.interim, 2, 1)
        stay = np.repeat(np.arange(count), bills)
        second = np.zeros(len(stay), dtype=np.bool_)
        second[1:] = stay[1:] == stay[:-1]
        split = self.interim[stay]
        middle = (stays.admit[stay] + stays.discharge[stay]) // 2
        start = np.where(second, middle + 1, stays.admit[stay])
        thru = np.where(split & ~second, middle, stays.discharge[stay])
        share = np.where(split, np.where(second, self.price[stay] - self.price[stay] // 2, self.price[stay] // 2), 0)
        total = np.where(split, share, self.price[stay])
        urgent = np.where(stays.is_elective[stay] | (stays.why[stay] == PLANNED), 3, 1)
        claims: Table = {
            "person": stays.person[stay],
            "type": np.full(len(stay), INPATIENT),
            "facility": stays.hospital[stay],
            "admit": stays.admit[stay],
            "start": start,
            "thru": thru,
            "discharge": np.where(split & ~second, -1, stays.discharge[stay]),
            "status": np.where(split & ~second, STILL_A_PATIENT, stays.status[stay]),
            "frequency": np.where(split, np.where(second, 4, 2), 1),
            "drg": tables.stay_drg[stays.kind[stay]],
            "origin": stays.origin[stay],
            "urgency": np.where(stays.why[stay] == ARRIVAL, 1, urgent),
            "diagnoses": self.diagnoses[stay],
            "procedures": np.where(second & split, -1, stays.procedure[stay]),
            "procedure_day": stays.admit[stay],
            "cents": total,
            "stay": stay,
            "covered_days": np.maximum(thru - start, 1),
            "first_bill": (~second).astype(np.int64),
            "exempt": split.astype(np.int64),
        }
        return claims, _split_lines(claims, ((ROOM, 55), (PHARMACY, 25), (LABORATORY, 20)))

    def post_acute(self) -> tuple[Table, Table]:
        """Rehabilitation units and long-term hospitals (one bill) and skilled nursing stays (a bill a month)."""
        stays, providers, rng = self.stays, self.providers, self.rng
        cut = np.minimum(
            stays.next_admission,
            np.where(self.persons.death[stays.person] < NEVER, self.persons.death[stays.person], NEVER),
        )
        parts = []
        for status, kind, weight, mean in ((TO_REHABILITATION, REHABILITATION, 1.495, 12), (TO_LTCH, LTCH, 2.60, 26)):
            places = np.flatnonzero(providers.f_type == kind)
            chosen = np.flatnonzero((stays.status == status) & (cut > stays.discharge + 1))
            days = 1 + rng.poisson(mean, len(chosen))
            until = np.minimum(stays.discharge[chosen] + days, cut[chosen])
            price = np.round(weight * self.p.prices.drg_base * 100 * providers.f_wage[places[0]])
            parts.append(self._post_acute_bills(chosen, until, places[chosen % len(places)], INPATIENT, price))
        places = np.flatnonzero(providers.f_type == SNF)
        chosen = np.flatnonzero((stays.status == TO_SNF) & (cut > stays.discharge + 1))
        volume = np.exp(providers.group_volume[self.persons.group[stays.person[chosen]]])
        days = np.minimum(1 + rng.poisson(self.p.stays.snf_days * volume * rng.gamma(2.0, 0.5, len(chosen))), 100)
        until = np.minimum(stays.discharge[chosen] + days, cut[chosen])
        self.snf_stay, self.snf_until = chosen, until
        self.snf_facility = places[(self.persons.zip[stays.person[chosen]] + chosen % 2) % len(places)]
        parts.append(self._skilled(chosen, until))
        return stack_claims(parts)

    def _post_acute_bills(
        self, chosen: Ints, until: Ints, facility: Ints, kind: int, price: float
    ) -> tuple[Table, Table]:
        stays = self.stays
        start = stays.discharge[chosen]
        aftercare = np.full(len(chosen), codes().diagnosis("Z5189"))
        claims = self._bills(
            chosen,
            facility=facility,
            kind=kind,
            admit=start,
            start=start,
            thru=until,
            is_last=np.ones_like(until) > 0,
            is_first=np.ones_like(until) > 0,
            diagnoses=with_principal(aftercare, self.diagnoses[chosen][:, :9]),
            total=np.full(len(chosen), int(price)),
        )
        claims["drg"] = np.full(len(chosen), codes().drgs.index("945"))
        return claims, _split_lines(claims, ((ROOM, 70), (PHARMACY, 30)))

    def _skilled(self, chosen: Ints, until: Ints) -> tuple[Table, Table]:
        """Monthly interim bills of skilled nursing stays: 2, 3 ..., 4; 1 where one bill is enough."""
        stays, calendar = self.stays, self.calendar
        begin = stays.discharge[chosen]
        first_month, last_month = calendar.month_of(begin), calendar.month_of(until)
        bills = last_month - first_month + 1
        row = np.repeat(np.arange(len(chosen)), bills)
        number = np.arange(len(row)) - np.repeat(np.cumsum(bills) - bills, bills)
        month = first_month[row] + number
        is_first, is_last = number == 0, number == bills[row] - 1
        start = np.where(is_first, begin[row], calendar.month_starts[month])
        thru = np.where(is_last, until[row], calendar.month_starts[month + 1] - 1)
        days = np.maximum(thru - start + np.where(is_last, 0, 1), 0)
        claims = self._bills(
            chosen[row],
            facility=self.snf_facility[row],
            kind=SNF_STAY,
            admit=begin[row],
            start=start,
            thru=thru,
            is_last=is_last,
            is_first=is_first,
            diagnoses=self.diagnoses[chosen[row]],
            total=days * round(self.p.prices.snf_day * 100),
        )
        claims["frequency"] = np.select([is_first & is_last, is_first, is_last], [1, 2, 4], 3)
        claims["covered_days"] = days
        return claims, _split_lines(claims, ((SKILLED, 0), (ROOM, 100)))

    def _bills(
        self,
        stay: Ints,
        *,
        facility: Ints,
        kind: int,
        admit: Ints,
        start: Ints,
        thru: Ints,
        is_last: Bools,
        is_first: Bools,
        diagnoses: Ints,
        total: Ints,
    ) -> Table:
        count = len(stay)
        died = self.persons.death[self.stays.person[stay]] == thru
        back = self.stays.next_admission[stay] == thru
        status = np.where(is_last, np.select([died, back], [20, 2], 1), STILL_A_PATIENT)
        return {
            "person": self.stays.person[stay],
            "type": np.full(count, kind),
            "facility": facility,
            "admit": admit,
            "start": start,
            "thru": thru,
            "discharge": np.where(is_last, thru, -1),
            "status": status,
            "frequency": np.ones(count, dtype=np.int64),
            "drg": np.full(count, -1),
            "origin": np.full(count, 4),
            "urgency": np.full(count, 3),
            "diagnoses": diagnoses,
            "procedures": np.full(count, -1),
            "procedure_day": np.full(count, -1),
            "cents": total,
            "stay": np.full(count, -1),
            "covered_days": np.maximum(thru - start, 1),
            "first_bill": is_first.astype(np.int64),
            "exempt": np.ones(count, dtype=np.int64),
        }

    def hospice(self) -> tuple[Table, Table]:
        """One bill for the last days of the few decedents in hospice."""
        persons, calendar = self.persons, self.calendar
        start = persons.death - self.p.people.hospice_days
        last_stay = np.full(len(persons), -NEVER)
        np.maximum.at(last_stay, self.stays.person, self.stays.discharge)
        start = np.maximum(start, last_stay)
        who = np.flatnonzero(
            persons.hospice & (persons.death <= calendar.end) & (start >= calendar.start) & (start < persons.death)
        )
        count, begin, thru = len(who), start[who], persons.death[who]
        days = thru - begin + 1
        none = np.full(count, -1)
        places = np.flatnonzero(self.providers.f_type == HOSPICE_PROVIDER)
        others = compact(persons.conditions[who], np.broadcast_to(codes().condition_diagnoses[:, 0], (count, 12)), 8)
        claims: Table = {
            "person": who,
            "type": np.full(count, HOSPICE),
            "facility": places[persons.zip[who] % len(places)],
            "admit": begin,
            "start": begin,
            "thru": thru,
            "discharge": none,
            "status": np.full(count, 42),
            "frequency": np.ones(count, dtype=np.int64),
            "drg": none,
            "origin": none,
            "urgency": none,
            "diagnoses": with_principal(np.full(count, codes().diagnosis("Z515")), others),
            "procedures": none,
            "procedure_day": none,
            "cents": days * 21_000,
            "stay": none,
            "covered_days": days,
            "first_bill": np.ones(count, dtype=np.int64),
            "exempt": np.ones(count, dtype=np.int64),
        }
        return claims, _split_lines(claims, ((HOSPICE_DAY, 100),))

    def clinicians(self) -> list[tuple[Table, Table]]:
        """The hospitalist's claim of each stay, the surgeon's, and nursing-home visits in both places of service."""
        stays, providers, rng = self.stays, self.providers, self.rng
        tables = codes()
        acute = np.flatnonzero(~np.isin(providers.f_type[stays.hospital], (REHABILITATION, PSYCHIATRIC)))
        nights = stays.discharge[acute] - stays.admit[acute]
        doctor = providers.f_attending[stays.hospital[acute]]
        claims = self._claims(acute, doctor, stays.admit[acute], stays.discharge[acute], INPATIENT_PLACE)
        row = np.repeat(np.arange(len(acute)), np.where(nights > 1, 3, 2))
        number = np.arange(len(row)) - np.searchsorted(row, row)
        is_last = np.append(row[1:] != row[:-1], True)
        service = np.select(
            [number == 0, is_last], [tables.service("X1101"), tables.service("X1103")], tables.service("X1102")
        )
        days = np.select(
            [number == 0, is_last], [stays.admit[acute][row], stays.discharge[acute][row]], stays.admit[acute][row] + 1
        )
        units = np.where((number == 1) & ~is_last, np.maximum(nights[row] - 1, 1), 1)
        lines: Table = {
            "claim": row,
            "service": service,
            "day": days,
            "units": units,
            "cents": cents(service, units),
            "marker": np.zeros(len(row), dtype=np.int64),
        }
        parts = [(claims, lines)]
        surgery = np.flatnonzero(tables.stay_fee[stays.kind] >= 0)
        surgeons = providers.by_role["specialist"]
        surgeon = surgeons[(stays.hospital[surgery] * 5 + rng.integers(0, 5, len(surgery))) % len(surgeons)]
        own = self._claims(surgery, surgeon, stays.admit[surgery], stays.admit[surgery], INPATIENT_PLACE)
        fee = tables.stay_fee[stays.kind[surgery]]
        parts.append((own, _lines(np.arange(len(surgery)), fee, stays.admit[surgery])))
        # nursing-home visits: every ten days, place of service 31 and 32 by turns
        visits = np.maximum((self.snf_until - stays.discharge[self.snf_stay]) // 10, 1)
        row = np.repeat(np.arange(len(self.snf_stay)), visits)
        number = np.arange(len(row)) - np.searchsorted(row, row)
        stay = self.snf_stay[row]
        primary = providers.by_role["primary"]
        doctor = primary[self.snf_facility[row] % len(primary)]
        days = np.minimum(stays.discharge[stay] + 3 + 10 * number, self.snf_until[row])
        own = self._claims(stay, doctor, days, days, SNF_PLACE)
        own["place"] = np.where((stay + number) % 2 == 0, SNF_PLACE, NURSING_PLACE)
        own["facility"] = self.snf_facility[row]
        parts.append((own, _lines(np.arange(len(row)), np.full(len(row), tables.service("99308")), days)))
        return parts

    def _claims(self, stay: Ints, clinician: Ints, days: Ints, thru: Ints, place: int) -> Table:
        own_group = self.providers.c_group[clinician]
        return {
            "person": self.stays.person[stay],
            "day": days,
            "thru": thru,
            "clinician": clinician,
            "group": self.providers.group_on(clinician, own_group, days, july=self.calendar.july),
            "place": np.full(len(stay), place),
            "facility": self.stays.hospital[stay],
            "referring": np.full(len(stay), -1),
            "diagnoses": self.diagnoses[stay],
            "supplier": np.zeros(len(stay), dtype=np.int64),
            "exempt": np.zeros(len(stay), dtype=np.int64),
        }


def _lines(claim: Ints, service: Ints, days: Ints) -> Table:
    ones = np.ones(len(claim), dtype=np.int64)
    return {
        "claim": claim,
        "service": service,
        "day": days,
        "units": ones,
        "cents": cents(service, ones),
        "marker": 0 * ones,
    }


def _split_lines(claims: Table, parts: tuple[tuple[int, int], ...]) -> Table:
    """Revenue lines of each claim: `parts` are revenue codes with their percentages; the last takes the rest."""
    count, width = len(claims["person"]), len(parts)
    shares = [claims["cents"] * percent // 100 for _, percent in parts]
    shares[-1] = claims["cents"] - sum(shares[:-1], np.zeros(count, dtype=np.int64))
    units = np.stack(
        [claims["covered_days"] if code in (ROOM, HOSPICE_DAY) else 0 * shares[0] + 1 for code, _ in parts]
    )
    return {
        "claim": np.repeat(np.arange(count), width),
        "revenue": np.tile(np.array([code for code, _ in parts]), count),
        "service": np.full(count * width, -1),
        "day": np.repeat(claims["start"], width),
        "units": units.T.reshape(-1),
        "cents": np.stack(shares).T.reshape(-1),
    }


def stay_claims(
    rng: np.random.Generator,
    persons: Persons,
    stays: Stays,
    services: Services,
    providers: Providers,
    p: Parameters,
    calendar: Calendar,
) -> tuple[tuple[Table, Table], list[tuple[Table, Table]], Ints]:
    """Institutional claims with lines, professional parts, and each stay's price in cents."""
    writer = StayWriter(rng, persons, stays, services, providers, p, calendar)
    institutional = stack_claims([writer.hospital(), writer.post_acute(), writer.hospice()])
    return institutional, writer.clinicians(), writer.price
