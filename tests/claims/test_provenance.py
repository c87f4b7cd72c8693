"""A claim is followed to the lines that say it: the file as received is opened again, and that line holds that claim."""

import gzip
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyrage
import pytest
import pyzipper

from qe import vault
from qe.claims.load import build_model, vault_path
from qe.claims.provenance import provenance
from qe.progress import Silent
from qe.site import Site, SourceTable
from qe.sources.receive import receive
from qe.sources.stream import Secrets, open_plain

PASSPHRASE = "correct horse"
IDENTITY = pyrage.x25519.Identity.generate()
Places = dict[str, dict[tuple[str, int], str]]  # native claim number -> (file, line) -> fate

MAY, AUGUST = "2025-05-01", "2025-08-01"
LATER = "202504|202506"
CROSSWALK = "BENE_ID|MBI|LAST_NAME|FIRST_NAME|BIRTH_DATE|SEX|ZIP\nB1||Okafor|Ada|19500301|2|02118\n"
CARRIER = (
    "BENE_ID|CLM_ID|CLM_FROM_DT|CLM_THRU_DT|CARR_CLM_PMT_DNL_CD|CLM_PMT_AMT|LINE_NUM|PRF_PHYSN_NPI|TAX_NUM|"
    "PRVDR_SPCLTY|LINE_PRCSG_IND_CD|LINE_NCH_PMT_AMT|LINE_ALOWD_CHRG_AMT|HCPCS_CD\n"
)


def carrier(claim: str, line: int = 1, day: str = "2025-03-05") -> str:
    return f"B1|{claim}|{day}|{day}|1|80.00|{line}|9999900002|001234567|11|A|80.00|100.00|99213\n"


def medical(*rows: tuple[str, int, int, str, str], months: str = "202501|202503") -> str:
    """APCD-CDL medical claims: (claim, line, version, status, claim referred to)."""
    numbers = [
        "002",
        "005",
        "006",
        "007",
        "008",
        "119",
        "120",
        "125",
        "131",
        "135",
        "150",
        "157",
        "160",
        "161",
        "088",
        "032",
    ]
    head = [f"HD|S|P|Payer|MC|{months}|T|", "|".join(f"CDLMC{number}" for number in numbers)]
    body = [
        f"P|{claim}|{line}|{version}|{other}|2025-03-0{line}|2025-03-0{line}|80.00|80.00|9999900002|001234567|{status}|O|M1|99213|"
        for claim, line, version, status, other in rows
    ]
    return "\n".join([*head, *body, f"TR|S|P|Payer|MC|20250801||{len(rows)}"]) + "\n"


PHARMACY = (
    "HD|S|P|Payer|PC|202501|202503|T|\n"
    "CDLPC002|CDLPC005|CDLPC006|CDLPC007|CDLPC023|CDLPC025|CDLPC033|CDLPC037|CDLPC038|CDLPC068\n"
    "P|F1|1|1|2025-03-05|00093505698|30|1.00|2.00|M1\n"
    "P|F1|1|2|2025-03-05|00093505698|30|3.00|4.00|M1\n"
    "P|F2|1|1|2025-03-06|00093505698|30|1.00|2.00|M1\n"
    "TR|S|P|Payer|PC|20250801||3\n"
)
BASE_AND_LINE = {
    "base.csv": "DESY_SORT_KEY,CLAIM_NO,PRVDR_NUM,CLM_THRU_DT,NCH_CLM_TYPE_CD,CLM_FAC_TYPE_CD,CLM_SRVC_CLSFCTN_TYPE_CD,"
    "CLM_FREQ_CD,CLM_PMT_AMT,CLM_ADMSN_DT,CLM_DRG_CD,PRNCPAL_DGNS_CD\n"
    "1,C7,330001,20250310,60,1,1,1,9000.00,20250305,291,I5020\n2,C8,330001,20250312,40,1,3,1,150.00,,,Z0000\n",
    "revenue.csv": "DSYSRTKY,CLAIMNO,CLM_LN,THRU_DT,CLM_TYPE,REV_CNTR,HCPCS_CD,REV_CHRG\n"
    "1,C7,1,20250310,60,0120,,8000.00\n2,C8,1,20250312,40,0450,G0383,300.00\n1,C7,2,20250310,60,0250,,1000.00\n",
}


@dataclass(frozen=True)
class Case:
    """Files of a source (path below it -> text), how they are packed, and where each of its claims stands."""

    source: Mapping[str, str]
    files: Mapping[str, str]
    places: Places
    pack: Callable[[bytes], bytes] = bytes


def aes_zip(plain: bytes) -> bytes:
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSPHRASE.encode())
        archive.writestr("claims.csv", plain)
    return packed.getvalue()


RIF = {"kind": "ccw-rif", "payer_id": "medicare", "payer_type": "medicare"}
CDL = {"kind": "apcd-cdl", "payer_id": "a", "payer_type": "commercial"}
RIF_FILES = {  # line 1 is the header; C1 has two lines with a bad row and an empty line between them; C2 comes again in August
    f"{MAY}/carrier.csv": CARRIER
    + carrier("C1")
    + carrier("C9", day="2025-13-01")
    + "\n"
    + carrier("C1", line=2)
    + carrier("C2"),
    f"{AUGUST}/carrier.csv": CARRIER + carrier("C3") + carrier("C2"),
}
RIF_PLACES: Places = {
    "C1": {(f"{MAY}/carrier.csv", 2): "kept", (f"{MAY}/carrier.csv", 5): "kept"},
    "C2": {(f"{MAY}/carrier.csv", 6): "superseded", (f"{AUGUST}/carrier.csv", 3): "kept"},
    "C3": {(f"{AUGUST}/carrier.csv", 2): "kept"},
}
CASES = {
    "RIF, plain": Case(source=RIF, files=RIF_FILES, places=RIF_PLACES),
    "RIF, line ends of Windows": Case(
        source=RIF, files=RIF_FILES, places=RIF_PLACES, pack=lambda plain: plain.replace(b"\n", b"\r\n")
    ),
    "RIF, gzip": Case(source=RIF, files=RIF_FILES, places=RIF_PLACES, pack=lambda plain: gzip.compress(plain, mtime=0)),
    "RIF, AES zip": Case(source=RIF, files=RIF_FILES, places=RIF_PLACES, pack=aes_zip),
    "RIF, age": Case(
        source=RIF,
        files=RIF_FILES,
        places=RIF_PLACES,
        pack=lambda plain: pyrage.encrypt(plain, [IDENTITY.to_public()]),
    ),
    "headers and lines in two files": Case(
        source=RIF,
        files=BASE_AND_LINE,
        places={
            "C7": {("base.csv", 2): "kept", ("revenue.csv", 2): "kept", ("revenue.csv", 4): "kept"},
            "C8": {("base.csv", 3): "kept", ("revenue.csv", 3): "kept"},
        },
    ),
    "APCD-CDL": Case(  # lines 1 and 2 are the record HD and the names; the last is the record TR
        source=CDL,
        files={
            f"{MAY}/medical.txt": medical(
                ("C1", 1, 1, "01", ""), ("C1", 1, 2, "01", ""), ("C2", 1, 1, "01", ""), ("C1", 2, 1, "01", "")
            ),
            f"{AUGUST}/medical.txt": medical(("C5", 1, 1, "22", "C1"), ("C2", 1, 2, "01", ""), months=LATER),
            f"{MAY}/pharmacy.txt": PHARMACY,
        },
        places={
            "C1": {
                (f"{MAY}/medical.txt", 3): "older_version",
                (f"{MAY}/medical.txt", 4): "kept",
                (f"{MAY}/medical.txt", 6): "kept",
                (f"{AUGUST}/medical.txt", 3): "reversal",
            },
            "C2": {(f"{MAY}/medical.txt", 5): "superseded", (f"{AUGUST}/medical.txt", 4): "kept"},
            "F1": {(f"{MAY}/pharmacy.txt", 3): "older_version", (f"{MAY}/pharmacy.txt", 4): "kept"},
            "F2": {(f"{MAY}/pharmacy.txt", 5): "kept"},
        },
    ),
    "increments": Case(
        source={**CDL, "adjustment": "net"},
        files={
            f"{MAY}/medical.txt": medical(("C1", 1, 1, "01", ""), ("C2", 1, 1, "01", "")),
            f"{AUGUST}/medical.txt": medical(("C1", 1, 2, "01", ""), months=LATER),
        },
        places={
            "C1": {(f"{MAY}/medical.txt", 3): "older_version", (f"{AUGUST}/medical.txt", 3): "kept"},
            "C2": {(f"{MAY}/medical.txt", 4): "kept"},
        },
    ),
    "Tuva": Case(
        source={"kind": "tuva-input", "payer_id": "a", "payer_type": "commercial"},
        files={
            "medical.csv": "claim_id,claim_line_number,claim_type,person_id,claim_start_date,claim_end_date,paid_amount,"
            "hcpcs_code,billing_npi\n"
            "C1,1,professional,M1,2025-03-05,2025-03-05,80.00,99213,9999900002\n"
            "C2,1,professional,M1,2025-03-06,2025-03-06,80.00,99213,9999900002\n"
            "C1,2,professional,M1,2025-03-05,2025-03-05,20.00,G0471,9999900002\n"
        },
        places={"C1": {("medical.csv", 2): "kept", ("medical.csv", 4): "kept"}, "C2": {("medical.csv", 3): "kept"}},
    ),
    "claims model": Case(
        source={"kind": "claims-model", "payer_id": "d", "payer_type": "medicaid"},
        files={
            "claim.csv": "claim_id,person_id,claim_type,from_date,thru_date,paid_amount,paid_status\n"
            "C1,X9,professional,2025-03-05,2025-03-05,80.00,paid\nC2,X9,professional,2025-03-06,2025-03-06,80.00,paid\n",
            "claim_line.csv": "claim_id,line_number,hcpcs,from_date,rendering_npi\n"
            "C2,1,99213,2025-03-06,9999900002\nC1,1,99213,2025-03-05,9999900002\n",
            "claim_diagnosis.csv": "claim_id,sequence,kind,code,icd_version\nC1,1,principal,I509,10\n",
            "pharmacy_fill.csv": "fill_id,person_id,fill_date,ingredients,days_supply,fill_status\n"
            "F1,X9,2025-03-05,ATORVASTATIN,30,paid\n",
        },
        places={
            "C1": {("claim.csv", 2): "kept", ("claim_line.csv", 3): "kept", ("claim_diagnosis.csv", 2): "kept"},
            "C2": {("claim.csv", 3): "kept", ("claim_line.csv", 2): "kept"},
            "F1": {("pharmacy_fill.csv", 2): "kept"},
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_claim_is_followed_to_its_lines_and_these_lines_hold_it(yard, tmp_path: Path, name: str):
    case = CASES[name]
    folder = yard.site.root / "inbox" / "claims"
    for place, text in case.files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.pack(text.encode()))
    if case.source is RIF and "base.csv" not in case.files:
        (folder / "crosswalk.csv").write_text(CROSSWALK)
    dated = {"start": "2024-01-01", "end": "2025-12-31"}
    source = SourceTable.model_validate({"path": "inbox/claims", **dated, **case.source})
    yard.site = Site(
        root=yard.site.root, settings=yard.site.settings.model_copy(update={"sources": {"claims": source}})
    )
    key = tmp_path / "identity.txt"
    key.write_text(f"{IDENTITY}\n")
    secrets = Secrets(zip_passphrase=PASSPHRASE, age_identity=key)
    keys = {"store_key": yard.store_key, "vault_key": yard.vault_key}
    yard.staged = receive(yard.site, **keys, progress=Silent(), secrets=secrets)
    build_model(yard.site, yard.staged, **keys, progress=Silent())

    with yard.opened() as db:
        standing = db.query(
            "select 'claim' as kind, claim_id from claim where superseded_by is null "
            "union all select 'fill', fill_id from pharmacy_fill where superseded_by is null"
        )
        found = provenance(db, standing)
    numbers = native_numbers(yard)
    paths = {one.file.sha256[:16]: one.file.path for one in yard.staged}
    asked = {(row["kind"], row["claim_id"]): row["asked_id"] for row in found.claims.iter_rows(named=True)}
    places: Places = {}
    for row in found.lines.iter_rows(named=True):
        number = numbers[row["kind"], asked[row["kind"], row["claim_id"]]]
        path = paths[row["delivery_id"]]
        for line in row["lines"]:
            places.setdefault(number, {})[path.relative_to(folder).as_posix(), line] = row["fate"]
    assert places == case.places

    for number, stands in places.items():
        for place, line in stands:
            with open_plain(folder / place, secrets) as stream:
                assert number in stream.read(1 << 20).decode().split("\n")[line - 1]


def native_numbers(yard) -> dict[tuple[str, str], str]:
    """(kind, claim_id) -> the payer's own number by the vault, without its payor, year and line."""
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        rows = yard.connection.execute(
            "select 'claim', claim_id, native_claim_id from vault.claim_key "
            "union all select 'fill', fill_id, native_fill_id from vault.fill_key"
        ).fetchall()
    return {(kind, str(key)): re.findall(r"[CF][0-9]+", native)[0] for kind, key, native in rows}


def test_the_other_payers_copy_of_a_claim_is_told_whichever_of_the_two_is_asked_about(yard):
    visit = {"from_date": "2025-03-05", "thru_date": "2025-03-05"}
    yard.put("medicare", "crosswalk", [{"native_person_id": "B1", "mbi": "1EG4TE5MK73"}])
    yard.put(
        "medicare",
        "professional",
        [
            {
                "native_person_id": "B1",
                "native_claim_id": "C1",
                "claim_type": "professional",
                "claim_paid_amount": 80,
                "line_number": 1,
                "rendering_npi": "9999900002",
                "line_from_date": "2025-03-05",
                "line_thru_date": "2025-03-05",
                "hcpcs": "99213",
                "line_paid_amount": 80,
                "line_allowed_amount": 100,
                "line_processing_code": "A",
                "final_action": "F",
                **visit,
            }
        ],
    )
    month = {"native_person_id": "M1", "year": 2025, "month": 3}
    yard.put(
        "payer_a",
        "eligibility",
        [{**month, "medical": "Y", "sex": "2", "birth_date": "1950-03-01"}],
        identities=[{**month, "mbi": "1EG4TE5MK73", "sex": "2", "birth_date": "1950-03-01"}],
    )
    yard.put(
        "payer_a",
        "medical",
        [
            {
                "payor": "P",
                "native_claim_id": "X1",
                "line_number": 1,
                "version": 1,
                "native_person_id": "M1",
                "paid_amount": 20,
                "allowed_amount": 20,
                "other_payer_amount": 80,
                "hcpcs": "99213",
                "rendering_npi": "9999900002",
                "billing_npi": "9999900002",
                **visit,
            }
        ],
    )
    with yard.opened() as db:
        (kept, copy) = db.query("select duplicate_of, claim_id from claim where duplicate_of is not null").row(0)
        for asked, other in ((kept, copy), (copy, kept)):
            found = provenance(db, pl.DataFrame({"kind": ["claim"], "claim_id": [asked]}))
            relations = found.claims.select("claim_id", "relation").rows()
            assert relations == [(asked, "itself"), (other, "copy")]
            assert sorted(found.lines.select("source_id", "lines").rows()) == [("medicare", [2]), ("payer_a", [2])]
