"""The lines that can decide an attribution, read in plain Python from the files that `qe sample` writes; nothing of qe is used.

One delivery a source, uncompressed. Words followed: claims_data.md section 1 (denials, final action), section 2 (versions,
reversals) and its corrections 1 to 3; statistics.md correction 10; contracts.md section 4 (roster).
"""

import csv
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tests.oracles.mssp_step import Line

Row = dict[str, str]
Unit = Callable[[str, str], str | None]
"""unit(id_type, identifier): the name by which results call it; None for what nobody knows"""

DENIED_LINES = {"C", "D", "I", "L", "N", "M", "O", "P"}
DENIED_CLAIMS = {"0", "D", "P"}
DENIED_FACILITY_CLAIMS = {"N"}  # of those written; the other non-payment reasons leave a service that took place
HEALTH_CENTRES = {"71", "73", "77"}
CENTRE_PLACES = {"50", "72"}
CAPITATED = {"01", "06"}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A line with the facts that only other lines settle: source, native claim, place of the pair list."""

    source: str
    claim: str
    npi: str
    line: Line


@dataclass(kw_only=True)
class Inbox:
    """The folder's inbox and what is told of it elsewhere.

    person   (source, native id) -> the name of the person
    spoiled  file -> physical lines that no reader may take
    copies   (source, native claim) of the second payer's account of a service that the first one shows too
    """

    root: Path
    person: Mapping[tuple[str, str], str]
    unit: Unit
    spoiled: Mapping[str, set[int]]
    copies: set[tuple[str, str]]
    stays: dict[str, list[tuple[date, date]]] = field(default_factory=lambda: defaultdict(list))
    skilled: set[str] = field(default_factory=set)

    def rows(self, name: str) -> list[Row]:
        path = self.root / name
        if not path.exists():
            return []
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").split("\n")[:-1]
        is_cdl = lines[0].startswith("HD|")
        first = 2 if is_cdl else 1
        header = lines[first - 1].split("|")
        bad = self.spoiled.get(name, set())
        return [
            dict(zip(header, text.split("|"), strict=True))
            for number, text in enumerate(lines[first : len(lines) - is_cdl], start=first + 1)
            if number not in bad
        ]

    def specialties(self) -> dict[str, str]:
        """Clinician NPI -> specialty in the roster."""
        with (self.root / "roster" / "roster.csv").open(encoding="utf-8", newline="") as file:
            return {row["npi"]: row["specialty"] for row in csv.DictReader(file) if row["specialty"]}


def rif_day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").date()


def cdl_day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def dollars(text: str, *, implied: bool = False) -> Decimal:
    return Decimal(text or "0") / (100 if implied else 1)


def carrier(inbox: Inbox) -> Iterator[Candidate]:
    """Lines of Medicare's professional claims; a supplier's claims are no professional ones."""
    for row in inbox.rows("medicare/carrier.csv"):
        if row["CARR_CLM_PMT_DNL_CD"] in DENIED_CLAIMS or row["LINE_PRCSG_IND_CD"] in DENIED_LINES:
            continue
        yield Candidate(
            source="medicare",
            claim=row["CLM_ID"],
            npi=row["PRF_PHYSN_NPI"],
            line=Line(
                person=inbox.person["medicare", row["BENE_ID"]],
                day=rif_day(row["LINE_1ST_EXPNS_DT"]),
                claim=f"medicare:{row['CLM_ID']}",
                hcpcs=row["HCPCS_CD"] or None,
                place=row["LINE_PLACE_OF_SRVC_CD"] or None,
                specialty=row["PRVDR_SPCLTY"] or None,
                clinician=inbox.unit("clinician", row["PRF_PHYSN_NPI"]),
                group=inbox.unit("group", row["TAX_NUM"]),
                is_fqhc=row["LINE_PLACE_OF_SRVC_CD"] in CENTRE_PLACES,
                allowed=dollars(row["LINE_ALOWD_CHRG_AMT"]),
            ),
        )


def health_centres(inbox: Inbox) -> Iterator[Candidate]:
    """Lines of the health centres' claims in Medicare's outpatient file, at what the payer and the patient owe."""
    for row in inbox.rows("medicare/outpatient.csv"):
        bill = row["CLM_FAC_TYPE_CD"] + row["CLM_SRVC_CLSFCTN_TYPE_CD"]
        if bill not in HEALTH_CENTRES or row["CLM_MDCR_NON_PMT_RSN_CD"] in DENIED_FACILITY_CLAIMS:
            continue
        owed = ("REV_CNTR_PMT_AMT_AMT", "REV_CNTR_COINSRNC_WGE_ADJSTD_C", "REV_CNTR_CASH_DDCTBL_AMT")
        yield Candidate(
            source="medicare",
            claim=row["CLM_ID"],
            npi=row["AT_PHYSN_NPI"],
            line=Line(
                person=inbox.person["medicare", row["BENE_ID"]],
                day=rif_day(row["REV_CNTR_DT"] or row["CLM_FROM_DT"]),
                claim=f"medicare:{row['CLM_ID']}",
                hcpcs=row["HCPCS_CD"] or None,
                place=None,
                specialty=None,
                clinician=inbox.unit("clinician", row["AT_PHYSN_NPI"]),
                group=None,
                facility=inbox.unit("facility", row["PRVDR_NUM"]),
                is_fqhc=True,
                allowed=sum((dollars(row[name]) for name in owed), Decimal(0)),
            ),
        )


def final(rows: list[Row]) -> list[Row]:
    """The last version of each line, without voids, back-outs, reversals and what a reversal names."""
    last: dict[tuple[str, str], Row] = {}
    reversed_claims = {
        row["CDLMC008"] for row in rows if row["CDLMC157"] == "22" and row["CDLMC008"] not in ("", row["CDLMC005"])
    }
    for row in rows:
        key = (row["CDLMC005"], row["CDLMC006"])
        if key not in last or int(row["CDLMC007"]) > int(last[key]["CDLMC007"]):
            last[key] = row
    return [
        row
        for row in last.values()
        if row["CDLMC160"] not in ("V", "B")
        and row["CDLMC157"] not in ("22", "4", "23", "25")
        and row["CDLMC158"] != "1"
        and row["CDLMC005"] not in reversed_claims
    ]


def payer(inbox: Inbox, source: str, *, implied: bool) -> list[Candidate]:
    """Professional and health centre lines of a payer; the capitated ones at its median for code and place, else for code."""
    found: list[Candidate] = []
    for row in final(inbox.rows(f"{source}/medical.txt")):
        bill = row["CDLMC032"]
        if bill and bill[:2] not in HEALTH_CENTRES:
            continue
        npi = row["CDLMC154"] if bill else row["CDLMC135"]
        found.append(
            Candidate(
                source=source,
                claim=row["CDLMC005"],
                npi=npi,
                line=Line(
                    person=inbox.person[source, row["CDLMC161"]],
                    day=cdl_day(row["CDLMC119"]),
                    claim=f"{source}:{row['CDLMC005']}",
                    hcpcs=row["CDLMC088"] or None,
                    place=row["CDLMC033"] or None,
                    specialty=None,
                    clinician=inbox.unit("clinician", npi),
                    group=None if bill else inbox.unit("group", row["CDLMC150"]),
                    facility=inbox.unit("facility", row["CDLMC148"]) if bill else None,
                    is_fqhc=bool(bill) or row["CDLMC033"] in CENTRE_PLACES,
                    is_capitated=row["CDLMC132"] in CAPITATED,
                    allowed=dollars(row["CDLMC131"], implied=implied),
                ),
            )
        )
    prices: dict[tuple[str | None, str | None], list[Decimal]] = defaultdict(list)
    for one in found:
        line = one.line
        if not line.is_capitated and line.allowed > 0 and not line.facility:
            prices[line.hcpcs, line.place].append(line.allowed)
            prices[line.hcpcs, "anywhere"].append(line.allowed)

    def priced(line: Line) -> Line:
        if not line.is_capitated or line.allowed != 0 or line.facility:
            return line
        seen = prices.get((line.hcpcs, line.place)) or prices.get((line.hcpcs, "anywhere"))
        return replace(line, allowed=statistics.median_low(seen)) if seen else line

    return [replace(one, line=priced(one.line)) for one in found]


def skilled_stays(inbox: Inbox, source: str) -> None:
    """Note the days of skilled nursing that a source's claims show: admission to the last day of any bill of the stay."""
    if source == "medicare":
        shown = [
            (row["BENE_ID"], rif_day(row["CLM_ADMSN_DT"]), rif_day(row["CLM_THRU_DT"]))
            for row in inbox.rows("medicare/snf.csv")
            if row["CLM_MDCR_NON_PMT_RSN_CD"] not in DENIED_FACILITY_CLAIMS
        ]
    else:
        shown = [
            (row["CDLMC161"], cdl_day(row["CDLMC025"]), cdl_day(row["CDLMC120"]))
            for row in final(inbox.rows(f"{source}/medical.txt"))
            if row["CDLMC032"][:2] == "21"
        ]
    for native, first, last in shown:
        inbox.stays[inbox.person[source, native]].append((first, last))
        inbox.skilled.add(source)


def lines(inbox: Inbox, *, payers: Mapping[str, bool]) -> list[Line]:
    """All lines of all sources, a service of two payers once. payers: source -> whether its amounts leave out the point."""
    for source in ("medicare", *payers):
        skilled_stays(inbox, source)
    specialties = inbox.specialties()
    found = [*carrier(inbox), *health_centres(inbox)]
    for source, implied in payers.items():
        found += payer(inbox, source, implied=implied)
    return [
        replace(
            one.line,
            specialty=one.line.specialty or specialties.get(one.npi),
            in_snf=any(first <= one.line.day <= last for first, last in inbox.stays[one.line.person]),
            snf_held=one.source in inbox.skilled,
        )
        for one in found
        if (one.source, one.claim) not in inbox.copies
    ]
