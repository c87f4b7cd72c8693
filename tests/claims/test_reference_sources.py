"""CMS's DE-SynPUF and a file set of Tuva's input layer, from the files to cost and attribution.

What is expected is counted here from the same files in plain Python, and held against CMS's own yearly sums where it gives some.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qe import warehouse
from qe.claims.examination import examined
from qe.claims.load import ClaimsModel, build_model
from qe.claims.quality import assess, require_none_stops
from qe.measurement.catalogue import catalogue, find
from qe.measurement.compute import MeasureEvents, compute
from qe.periods import MeasurePeriod
from qe.progress import Silent
from qe.site import Site, SourceTable
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive

pytestmark = pytest.mark.needs_reference

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
ROSTER_COLUMNS = "npi,ccn,tin,group_tin,name,specialty,facility_type,role,zip5,county_fips,from_date,to_date"
INTERNAL_MEDICINE = "11"
PRIMARY_CARE = (("99201", "99215"), ("99304", "99340"), ("99341", "99350"), ("G0402", "G0402"), ("G0438", "G0439"))
Rows = list[dict[str, str]]
ZERO = Decimal(0)


def rows_of(path: Path) -> Rows:
    """Rows of a CSV file, plain or gzip."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", newline="") as packed:
            return list(csv.DictReader(packed))
    with path.open(newline="") as plain:
        return list(csv.DictReader(plain))


def is_primary_care(code: str) -> bool:
    return any(low <= code <= high for low, high in PRIMARY_CARE)


def write_roster(folder: Path, clinicians: dict[str, str]) -> None:
    """A roster of internists: NPI -> group TIN, blank where the claims state it."""
    folder.mkdir(parents=True)
    lines = [f"{npi},,,{tin},,{INTERNAL_MEDICINE},,supplier,,,," for npi, tin in sorted(clinicians.items())]
    (folder / "roster.csv").write_text("\n".join([ROSTER_COLUMNS, *lines]) + "\n")


@dataclass(frozen=True)
class Built:
    """A site with its staged files and its claims model."""

    yard: Any
    staged: list[StagedFile]
    model: ClaimsModel

    @contextmanager
    def opened(self) -> Iterator[Any]:
        with warehouse.open_read_only(
            self.model.path, self.yard.store_key, engine=self.yard.site.engine(), lock=True
        ) as db:
            yield db

    @contextmanager
    def examined(self) -> Iterator[Any]:
        engine = self.yard.site.engine()
        with examined(self.model, self.yard.store_key, engine=engine, progress=Silent()) as db:
            yield db

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.opened() as db:
            found: list[tuple[Any, ...]] = db.query(sql).rows()
            return found

    def cost_index(self, year: int) -> MeasureEvents:
        module = find(catalogue(), "total_cost_index")
        with self.opened() as db:
            return compute(
                db,
                module,
                period=MeasurePeriod(start=date(year, 1, 1), end=date(year, 12, 31)),
                parameters={},
                attribution=module.facts.attribution.method,
                lists=None,
            )


def build(yard: Any, source: SourceTable, source_id: str) -> Built:
    roster = SourceTable(kind="roster", path="inbox/roster")
    settings = yard.site.settings.model_copy(update={"sources": {source_id: source, "roster": roster}})
    yard.site = Site(root=yard.site.root, settings=settings)
    staged = receive(yard.site, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    model = build_model(yard.site, staged, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    return Built(yard=yard, staged=staged, model=model)


def require_every_row(built: Built, read: dict[str, int]) -> None:
    """Rows read = accepted + quarantined for each file, and the fates of claims and fills add up to the accepted."""
    assert {one.file.name: one.rows_read for one in built.staged if one.file.source_id != "roster"} == read
    assert all(one.rows_read == one.rows_accepted + one.rows_quarantined for one in built.staged)
    fates: dict[str, int] = defaultdict(int)
    for row in built.model.row_fates.iter_rows(named=True):
        fates[row["delivery_id"]] += row["rows"]
    claims = {
        one.file.sha256[:16]: one.rows_accepted
        for one in built.staged
        if one.file.staged_as not in ("roster", "beneficiary_counts", "enrollment")
    }
    assert fates == claims
    with built.examined() as db:
        require_none_stops(assess(db, {}))


def attributed_groups(events: MeasureEvents, groups: dict[str, str]) -> dict[str, str]:
    """person_id -> TIN of the group that the person is attributed to."""
    found = events.attribution.filter(pl.col("level") == "group")
    return {row["person_id"]: groups[row["unit_id"]] for row in found.iter_rows(named=True)}


def plurality(lines: list[tuple[str, str, date, Decimal]]) -> dict[str, str]:
    """person -> group with most allowed dollars of (person, group, day, allowed); ties by the latest day. Plain Python."""
    amount: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    latest: dict[tuple[str, str], date] = {}
    for person, group, day, allowed in lines:
        if allowed > 0:
            amount[person, group] += allowed
            latest[person, group] = max(latest.get((person, group), day), day)
    best: dict[str, str] = {}
    for person, group in sorted(amount):
        held = best.get(person)
        if held is None or (amount[person, group], latest[person, group]) > (
            amount[person, held],
            latest[person, held],
        ):
            best[person] = group
    return best


# --- DE-SynPUF ---------------------------------------------------------------------------------------------------------------

DESYNPUF = REFERENCE / "medicare_desynpuf_500"
YEARS = (2008, 2009, 2010)
PAYABLE = ("A", "R", "S")  # line processing codes of lines that Medicare paid; every other one means that it did not


@dataclass(frozen=True)
class DeSynPuf:
    """The files as rows, by type."""

    inpatient: Rows
    outpatient: Rows
    carrier: Rows
    fills: Rows
    persons: dict[int, Rows]


def desynpuf_files() -> dict[str, Path]:
    return {path.name: path for path in sorted(DESYNPUF.iterdir())}


def desynpuf_rows() -> DeSynPuf:
    found = {name: rows_of(path) for name, path in desynpuf_files().items()}

    def only(part: str) -> Rows:
        return next(rows for name, rows in found.items() if part in name)

    return DeSynPuf(
        inpatient=only("Inpatient"),
        outpatient=only("Outpatient"),
        carrier=only("Carrier"),
        fills=only("Prescription"),
        persons={year: only(f"{year}_Beneficiary") for year in YEARS},
    )


def carrier_lines(row: dict[str, str]) -> list[dict[str, str]]:
    """The lines that stand beside each other in a carrier row, without empty places."""
    names = ("HCPCS_CD", "PRF_PHYSN_NPI", "TAX_NUM", "LINE_PRCSG_IND_CD", "LINE_NCH_PMT_AMT", "LINE_ALOWD_CHRG_AMT")
    lines = [{name: row[f"{name}_{place}"] for name in names} for place in range(1, 14)]
    return [line for line in lines if line["HCPCS_CD"] or line["PRF_PHYSN_NPI"] or line["TAX_NUM"]]


@pytest.fixture(scope="module")
def raw() -> DeSynPuf:
    if not DESYNPUF.is_dir():
        pytest.skip("the reference files beside the project are not there: nothing real was read")
    return desynpuf_rows()


@pytest.fixture(scope="module")
def desynpuf(module_yard: Any, raw: DeSynPuf) -> Built:
    yard = module_yard()
    folder = yard.site.root / "inbox" / "medicare"
    folder.mkdir(parents=True)
    for name, path in desynpuf_files().items():
        (folder / name).write_bytes(path.read_bytes())
    write_roster(yard.site.root / "inbox" / "roster", dict.fromkeys(rostered_2010(raw), ""))
    source = SourceTable(
        kind="desynpuf",
        path="inbox/medicare",
        payer_id="medicare",
        payer_type="medicare",
        start=date(2008, 1, 1),
        end=date(2010, 12, 31),
    )
    return build(yard, source, "medicare")


def rostered_2010(raw: DeSynPuf) -> list[str]:
    """The clinicians of the first 300 primary care lines of 2010 with an allowed amount."""
    found = [
        line["PRF_PHYSN_NPI"]
        for row in raw.carrier
        if row["CLM_THRU_DT"][:4] == "2010"
        for line in carrier_lines(row)
        if is_primary_care(line["HCPCS_CD"]) and line["PRF_PHYSN_NPI"] and Decimal(line["LINE_ALOWD_CHRG_AMT"]) > 0
    ]
    return sorted(set(found[:300]))


def test_every_row_of_the_desynpuf_is_accounted_for(desynpuf: Built, raw: DeSynPuf) -> None:
    read = {name: len(rows_of(path)) for name, path in desynpuf_files().items()}
    require_every_row(desynpuf, read)
    assert sum(one.rows_quarantined for one in desynpuf.staged) == 0
    first = {row["CLM_ID"] for row in raw.outpatient if row["SEGMENT"] == "1"}
    lost = [row for row in raw.outpatient if row["CLM_ID"] not in first]
    orphans = desynpuf.model.row_fates.filter(pl.col("fate") == "orphan")["rows"].sum()
    assert orphans == len(lost) == 1  # a second segment whose first was cut away with the sample


def test_claims_and_dollars_of_the_desynpuf_equal_an_independent_count(desynpuf: Built, raw: DeSynPuf) -> None:
    headers = [row for row in raw.outpatient if row["SEGMENT"] == "1"]
    professional = sum(
        (
            Decimal(line["LINE_NCH_PMT_AMT"])
            for row in raw.carrier
            for line in carrier_lines(row)
            if line["LINE_PRCSG_IND_CD"] in PAYABLE
        ),
        ZERO,
    )
    found = {row["claim_type"]: (row["claims"], row["paid_amount"]) for row in desynpuf.model.source_claims.to_dicts()}
    assert found == {
        "inpatient": (len(raw.inpatient), sum((Decimal(row["CLM_PMT_AMT"]) for row in raw.inpatient), ZERO)),
        "outpatient": (len(headers), sum((Decimal(row["CLM_PMT_AMT"]) for row in headers), ZERO)),
        "professional": (len(raw.carrier), professional),
        "pharmacy": (
            len(raw.fills),
            sum((Decimal(row["TOT_RX_CST_AMT"]) - Decimal(row["PTNT_PAY_AMT"]) for row in raw.fills), ZERO),
        ),
    }


@pytest.mark.parametrize(("claim_type", "suffix"), [("inpatient", "IP"), ("outpatient", "OP")])
def test_each_person_and_year_equals_the_sums_that_cms_gives(
    desynpuf: Built, raw: DeSynPuf, claim_type: str, suffix: str
) -> None:
    """MEDREIMB, BENRES and PPPYMT of the beneficiary summary: Medicare, the person (blood deductible too), other payers."""
    names = [f"MEDREIMB_{suffix}", f"BENRES_{suffix}", f"PPPYMT_{suffix}"]
    stated = {
        (row["DESYNPUF_ID"], year): tuple(Decimal(row[name]) for name in names)
        for year, rows in raw.persons.items()
        for row in rows
    }
    persons = {person: native for (_, native), person in desynpuf.yard.persons().items()}
    found = {
        (persons[int(person)], year): (paid, member, other)
        for person, year, paid, member, other in desynpuf.rows(
            "select person_id, year(thru_date), sum(paid_amount + pass_through_amount), sum(member_amount), "
            f"sum(other_payer_amount) from claim where claim_type = '{claim_type}' group by all"
        )
    }
    nothing = (ZERO, ZERO, ZERO)
    assert {key: found.get(key, nothing) for key in stated} == stated
    assert found.keys() <= stated.keys()


def test_cost_is_what_the_files_say_was_allowed(desynpuf: Built, raw: DeSynPuf) -> None:
    def whole(row: dict[str, str], *names: str) -> Decimal:
        return sum((Decimal(row[name] or 0) for name in names), ZERO)

    shares = ("CLM_PMT_AMT", "NCH_PRMRY_PYR_CLM_PD_AMT", "NCH_BENE_BLOOD_DDCTBL_LBLTY_AM")
    inpatient = sum(
        (
            whole(row, *shares, "NCH_BENE_IP_DDCTBL_AMT", "NCH_BENE_PTA_COINSRNC_LBLTY_AM")
            + whole(row, "CLM_PASS_THRU_PER_DIEM_AMT") * int(row["CLM_UTLZTN_DAY_CNT"])
            for row in raw.inpatient
        ),
        ZERO,
    )
    outpatient = sum(
        (
            whole(row, *shares, "NCH_BENE_PTB_DDCTBL_AMT", "NCH_BENE_PTB_COINSRNC_AMT")
            for row in raw.outpatient
            if row["SEGMENT"] == "1"
        ),
        ZERO,
    )
    assert (inpatient, outpatient) == (Decimal("2929668.00"), Decimal("1351730.00"))
    drugs = sum((whole(row, "TOT_RX_CST_AMT") for row in raw.fills), ZERO)
    found = dict(
        desynpuf.rows(
            "select coalesce(claim_type, 'pharmacy'), sum(cost_event.allowed_amount) from cost_event "
            "left join claim on cost_event.event_kind = 'claim' and claim.claim_id = cost_event.claim_id group by all"
        )
    )
    assert found["inpatient"] == inpatient
    assert found["outpatient"] == outpatient
    assert found["pharmacy"] == drugs == Decimal("1387400.00")


def test_months_of_the_desynpuf_are_as_many_as_it_counts(desynpuf: Built, raw: DeSynPuf) -> None:
    everyone = [row for rows in raw.persons.values() for row in rows]
    part_a, part_b = "BENE_HI_CVRAGE_TOT_MONS", "BENE_SMI_CVRAGE_TOT_MONS"
    assert desynpuf.rows(
        "select count(*) filter (where part_a), count(*) filter (where part_b), count(*) filter (where part_d) "
        "from member_month"
    ) == [tuple(sum(int(row[name]) for row in everyone) for name in (part_a, part_b, "PLAN_CVRG_MOS_NUM"))]
    managed = sum(
        min(
            int(row["BENE_HMO_CVRAGE_TOT_MONS"]),
            max(int(row[part_a]), int(row[part_b]), int(row["PLAN_CVRG_MOS_NUM"])),
        )
        for row in everyone
    )
    assert desynpuf.rows("select count(*) from member_month where managed_care") == [(managed,)]


def test_codes_of_2008_to_2010_are_icd_9_and_never_taken_for_icd_10(desynpuf: Built, raw: DeSynPuf) -> None:
    dated = [*raw.inpatient, *(row for row in raw.outpatient if row["SEGMENT"] == "1")]
    expected = 0
    for row in [*dated, *raw.carrier]:
        codes = [row[f"ICD9_DGNS_CD_{place}"] for place in range(1, 11) if row.get(f"ICD9_DGNS_CD_{place}")]
        first = row["ICD9_DGNS_CD_1"]
        expected += len([code for place, code in enumerate(codes) if place == 0 or code != first])
        expected += bool(row.get("ADMTNG_ICD9_DGNS_CD"))
    later = {row["CLM_ID"] for row in dated}
    for row in raw.outpatient:
        if row["SEGMENT"] != "1" and row["CLM_ID"] in later:
            codes = [row[f"ICD9_DGNS_CD_{place}"] for place in range(1, 11) if row[f"ICD9_DGNS_CD_{place}"]]
            expected += len([code for place, code in enumerate(codes) if place == 0 or code != row["ICD9_DGNS_CD_1"]])
    assert desynpuf.rows("select icd_version, count(*) from claim_diagnosis group by icd_version") == [(9, expected)]
    assert desynpuf.rows("select distinct icd_version from claim_procedure") == [(9,)]


def test_the_desynpuf_is_attributed_by_the_roster_s_specialties_and_the_billed_tins(
    desynpuf: Built, raw: DeSynPuf
) -> None:
    roster = set(rostered_2010(raw))
    lines = [
        (row["DESYNPUF_ID"], line["TAX_NUM"], day, Decimal(line["LINE_ALOWD_CHRG_AMT"]))
        for row in raw.carrier
        for day in [date.fromisoformat(row["CLM_FROM_DT"])]
        if day.year == 2010
        for line in carrier_lines(row)
        if line["PRF_PHYSN_NPI"] in roster
        and is_primary_care(line["HCPCS_CD"])
        and line["LINE_PRCSG_IND_CD"] in (*PAYABLE, *"BQTUVXYZ", *"!@#$*()+<>%&")  # the service took place
    ]
    in_view = {  # a month of Part A or B outside managed care
        row["DESYNPUF_ID"]
        for row in raw.persons[2010]
        if max(int(row["BENE_HI_CVRAGE_TOT_MONS"]), int(row["BENE_SMI_CVRAGE_TOT_MONS"]))
        > int(row["BENE_HMO_CVRAGE_TOT_MONS"])
    }
    expected = {person: group for person, group in plurality(lines).items() if person in in_view}
    persons = {str(person): native for (_, native), person in desynpuf.yard.persons().items()}
    groups = dict(desynpuf.rows("select unit_id, identifier from provider_identifier where id_type = 'TIN'"))
    events = desynpuf.cost_index(2010)
    found = {persons[person]: group for person, group in attributed_groups(events, groups).items()}
    assert found == expected
    assert len(found) > 50
    clinicians = events.attributed.filter(pl.col("level") == "clinician", pl.col("measure_id") == "total_cost_index")
    assert clinicians.height == len(found)


# --- Tuva --------------------------------------------------------------------------------------------------------------------

TUVA = REFERENCE / "other_payer_tuva_2023"
NPI_COLUMNS = ("RENDERING_NPI", "BILLING_NPI", "FACILITY_NPI", "prescribing_provider_npi", "dispensing_provider_npi")


def luhn_valid(stem: str) -> str:
    """Nine digits with the check digit of an NPI (Luhn over the prefix 80840)."""
    total = 24  # what the prefix 80840 adds
    for place, digit in enumerate(reversed(stem)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return stem + str(-total % 10)


def invented_npi(place: int) -> str:
    """The NPI of place 0, 1, ...: 99999 and 88888 are never issued (a true NPI begins with 1 or 2)."""
    return luhn_valid(f"{'99999' if place < 10_000 else '88888'}{place % 10_000:04d}")


def test_invented_npis_are_valid_and_never_issued() -> None:
    assert luhn_valid("123456789") == "1234567893"  # the worked example of CMS's check-digit standard
    assert len({invented_npi(place) for place in range(20_000)}) == 20_000
    assert {invented_npi(place)[:5] for place in range(20_000)} == {"99999", "88888"}


@dataclass(frozen=True)
class Tuva:
    """The files as rows, every NPI replaced."""

    medical: Rows
    eligibility: Rows
    pharmacy: Rows


@pytest.fixture(scope="module")
def tuva_rows() -> Tuva:
    if not TUVA.is_dir():
        pytest.skip("the reference files beside the project are not there: nothing real was read")
    tables = [rows_of(TUVA / f"{name}_sample.csv") for name in ("medical_claim", "eligibility", "pharmacy_claim")]
    issued = sorted({row[name] for rows in tables for row in rows for name in NPI_COLUMNS if row.get(name)})
    new = {npi: invented_npi(place) for place, npi in enumerate(issued)}
    for rows in tables:
        for row in rows:
            row.update({name: new.get(row[name], row[name]) for name in NPI_COLUMNS if name in row})
    return Tuva(medical=tables[0], eligibility=tables[1], pharmacy=tables[2])


def internists(tuva: Tuva) -> dict[str, str]:
    """Every clinician of an office visit, by turns in one of five groups."""
    npis = {row["RENDERING_NPI"] for row in tuva.medical if "99201" <= row["HCPCS_CODE"] <= "99215"}
    return {npi: f"00000000{place % 5 + 1}" for place, npi in enumerate(sorted(npis))}


@pytest.fixture(scope="module")
def tuva(module_yard: Any, tuva_rows: Tuva) -> Built:
    yard = module_yard()
    folder = yard.site.root / "inbox" / "tuva"
    folder.mkdir(parents=True)
    for name in ("medical", "eligibility", "pharmacy"):
        rows = getattr(tuva_rows, name)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    write_roster(yard.site.root / "inbox" / "roster", internists(tuva_rows))
    source = SourceTable(
        kind="tuva-input",
        path="inbox/tuva",
        payer_id="tuva",
        payer_type="medicare",
        start=date(2016, 1, 1),
        end=date(2018, 12, 31),
    )
    return build(yard, source, "tuva")


def by_claim(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row["CLAIM_ID"]].append(row)
    return found


def paid_once(lines: Rows) -> Decimal:
    """What a claim cost: an amount that an institutional claim repeats on each of its lines counts once."""
    paid = [Decimal(line["PAID_AMOUNT"]) for line in lines]
    if lines[0]["CLAIM_TYPE"] == "institutional" and len(set(paid)) == 1:
        return paid[0]
    return sum(paid, ZERO)


def tuva_type(lines: Rows) -> str:
    if lines[0]["CLAIM_TYPE"] == "professional":
        return "dme" if all(line["HCPCS_CODE"][:1] in ("E", "K") for line in lines) else "professional"
    return {"11": "inpatient", "81": "hospice"}.get(lines[0]["BILL_TYPE_CODE"][:2], "outpatient")


def test_every_row_of_the_tuva_files_is_accounted_for(tuva: Built, tuva_rows: Tuva) -> None:
    require_every_row(
        tuva,
        {
            "medical.csv": len(tuva_rows.medical),
            "eligibility.csv": len(tuva_rows.eligibility),
            "pharmacy.csv": len(tuva_rows.pharmacy),
        },
    )
    assert sum(one.rows_quarantined for one in tuva.staged) == 0
    medical = next(one for one in tuva.staged if one.file.name == "medical.csv")
    claims = by_claim(tuva_rows.medical)
    assert (medical.claims, medical.paid_amount) == (3_106, sum((paid_once(lines) for lines in claims.values()), ZERO))


def test_claims_and_dollars_of_the_tuva_files_equal_an_independent_count(tuva: Built, tuva_rows: Tuva) -> None:
    expected: dict[str, list[Decimal]] = defaultdict(list)
    for lines in by_claim(tuva_rows.medical).values():
        expected[tuva_type(lines)].append(paid_once(lines))
    found = {row["claim_type"]: (row["claims"], row["paid_amount"]) for row in tuva.model.source_claims.to_dicts()}
    fills = found.pop("pharmacy")
    assert found == {kind: (len(paid), sum(paid, ZERO)) for kind, paid in expected.items()}
    cents = Decimal("0.01")
    rounded = (Decimal(row["paid_amount"]).quantize(cents) for row in tuva_rows.pharmacy)
    assert fills == (len(tuva_rows.pharmacy), sum(rounded, ZERO))


def test_cost_of_the_tuva_files_is_allowed_where_stated_and_paid_where_not(tuva: Built, tuva_rows: Tuva) -> None:
    professional = sum((Decimal(row["ALLOWED_AMOUNT"] or 0) for row in tuva_rows.medical), ZERO)
    claims = by_claim(tuva_rows.medical).values()
    institutional = sum((paid_once(lines) for lines in claims if lines[0]["CLAIM_TYPE"] == "institutional"), ZERO)
    found = tuva.rows("select sum(allowed_amount) from cost_event where event_kind = 'claim'")
    assert found == [(professional + institutional,)]


def test_spans_of_enrolment_become_months_up_to_death(tuva: Built, tuva_rows: Tuva) -> None:
    months = set()
    for row in tuva_rows.eligibility:
        start = date.fromisoformat(row["enrollment_start_date"])
        end = min(date.fromisoformat(row[name]) for name in ("enrollment_end_date", "death_date") if row[name])
        months |= {
            (row["patient_id"], number // 12, number % 12 + 1)
            for number in range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
            if end >= start
        }
    persons = {str(person): native for (_, native), person in tuva.yard.persons().items()}
    found = tuva.rows("select person_id, year(month), month(month) from person_month where medical")
    assert {(persons[person], year, month) for person, year, month in found} == months


def test_codes_of_the_tuva_files_are_icd_10(tuva: Built) -> None:
    assert tuva.rows("select distinct icd_version from claim_diagnosis") == [(10,)]
    assert tuva.rows("select distinct icd_version from claim_procedure") == [(10,)]


def test_no_issued_npi_is_left_and_persons_are_attributed_through_the_roster_s_groups(
    tuva: Built, tuva_rows: Tuva
) -> None:
    npis = [row[0] for row in tuva.rows("select distinct identifier from provider_identifier where id_type = 'NPI'")]
    assert npis
    assert all(npi.startswith(("99999", "88888")) for npi in npis)
    roster = internists(tuva_rows)
    lines = [
        (row["PATIENT_ID"], roster[row["RENDERING_NPI"]], day, Decimal(row["ALLOWED_AMOUNT"]))
        for row in tuva_rows.medical
        for day in [date.fromisoformat(row["CLAIM_LINE_START_DATE"] or row["CLAIM_START_DATE"])]
        if row["CLAIM_TYPE"] == "professional" and day.year == 2018 and row["RENDERING_NPI"] in roster
        and is_primary_care_2018(row["HCPCS_CODE"], row["PLACE_OF_SERVICE_CODE"])
    ]  # fmt: skip
    for clinic in by_claim(
        tuva_rows.medical
    ).values():  # all of a clinic's claim counts (FQHC, RHC), for whoever attends
        if clinic[0]["BILL_TYPE_CODE"][:2] in ("71", "73", "77"):
            group = roster.get(clinic[0]["RENDERING_NPI"], "the clinic itself")
            day = date.fromisoformat(clinic[0]["CLAIM_START_DATE"])
            lines.append((clinic[0]["PATIENT_ID"], group, day, paid_once(clinic)))
    in_view = {
        native
        for native, year in {
            (row["patient_id"], year)
            for row in tuva_rows.eligibility
            for year in range(int(row["enrollment_start_date"][:4]), int(row["enrollment_end_date"][:4]) + 1)
        }
        if year == 2018
    }
    expected = {
        person: group
        for person, group in plurality(lines).items()
        if person in in_view and group != "the clinic itself"
    }
    persons = {str(person): native for (_, native), person in tuva.yard.persons().items()}
    groups = dict(tuva.rows("select unit_id, identifier from provider_identifier where id_type = 'TIN'"))
    found = attributed_groups(tuva.cost_index(2018), groups)
    assert {persons[person]: group for person, group in found.items()} == expected
    assert len(found) > 40


def is_primary_care_2018(code: str, place: str) -> bool:
    """42 CFR 425.400(c)(1)(iii): nursing-facility visits not in a skilled one, and the care-management codes of the day."""
    if "99304" <= code <= "99318":
        return place != "31"
    return is_primary_care(code) or code in ("99490", "99495", "99496")
