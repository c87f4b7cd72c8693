"""Rows and dollars are conserved from the received files to the counted services, for any files: against an oracle in plain Python.

Claim k is one office visit of the person on day k. Medicare and payer A may both have it, in two deliveries each; payer A sends
versions, reversals, voids and denials. Bad rows have a date that is none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qe import store
from qe.claims.load import ClaimsModel, build_model
from qe.progress import Silent
from qe.site import Site
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive
from qe.sources.reconcile import reconciliation_frame
from qe.warehouse import Warehouse

FOLDERS = ("2025-05-01", "2025-08-01")
DAY_0 = date(2025, 1, 1)


@dataclass(frozen=True)
class Row:
    """One row of a file; `cents` is what the payer paid."""

    claim: int
    cents: int
    is_bad: bool = False
    denied: bool = False
    version: int = 1
    kind: str = "O"  # APCD-CDL only: O original, V void
    status: str = "01"  # APCD-CDL only: 01, 02 processed, 04 denied, 22 reversal of itself

    @property
    def day(self) -> str:
        return "2025-13-01" if self.is_bad else (DAY_0 + timedelta(days=self.claim)).isoformat()

    @property
    def paid(self) -> str:
        return f"{self.cents / 100:.2f}"


def carrier_file(rows: Sequence[Row]) -> str:
    head = (
        "BENE_ID|CLM_ID|CLM_FROM_DT|CLM_THRU_DT|CARR_CLM_PMT_DNL_CD|CLM_PMT_AMT|LINE_NUM|PRF_PHYSN_NPI|TAX_NUM|"
        "PRVDR_SPCLTY|LINE_PRCSG_IND_CD|LINE_NCH_PMT_AMT|LINE_ALOWD_CHRG_AMT|HCPCS_CD"
    )
    lines = [
        f"B1|{row.claim}|{row.day}|{row.day}|{'0' if row.denied else '1'}|{row.paid}|1|9999900002|001234567|11|A|"
        f"{row.paid}|{(row.cents + 2000) / 100:.2f}|99213"
        for row in rows
    ]
    return "\n".join([head, *lines]) + "\n"


def medical_file(rows: Sequence[Row], months: str) -> str:
    names = ["002", "005", "006", "007", "119", "120", "125", "131", "135", "150", "157", "160", "161", "088", "032"]
    lines = [f"HD|S|P|Payer|MC|{months}|T|", "|".join(f"CDLMC{name}" for name in names)]
    lines += [
        f"P|{row.claim}|1|{row.version}|{row.day}|{row.day}|{row.paid}|{row.paid}|9999900002|001234567|{row.status}|"
        f"{row.kind}|M1|99213|"
        for row in rows
    ]
    return "\n".join([*lines, f"TR|S|P|Payer|MC|20250801||{len(rows)}"]) + "\n"


MEMBERS = (
    "HD|S|P|Payer|ME|202501|202501|T|\n"
    "CDLME061|CDLME004|CDLME005|CDLME006|CDLME036|CDLME018|CDLME019|CDLME020|CDLME021|CDLME026\n"
    "M1|SP|2025|01|Y|2|19500301|Okafor|Ada|02118\nTR|S|P|Payer|ME|20250801||1\n"
)
CROSSWALK = "BENE_ID|MBI|LAST_NAME|FIRST_NAME|BIRTH_DATE|SEX|ZIP\nB1||Okafor|Ada|19500301|2|02118\n"

claim = st.integers(1, 5)
cents = st.sampled_from([0, 1, 999, 8000, 12345])
carrier_rows = st.lists(
    st.builds(Row, claim=claim, cents=cents, is_bad=st.booleans(), denied=st.booleans()),
    max_size=6,
    unique_by=lambda row: row.claim,
)
medical_rows = st.lists(
    st.builds(
        Row,
        claim=claim,
        cents=cents,
        is_bad=st.sampled_from([False, False, True]),
        version=st.integers(1, 3),
        kind=st.sampled_from(["O", "O", "O", "V"]),
        status=st.sampled_from(["01", "02", "04", "22"]),
    ),
    max_size=10,
    unique_by=lambda row: (row.claim, row.version),
)
STANDING = Row(claim=90, cents=5000)  # every file has a row that stands alone: none is empty


def with_standing(rows: Iterable[Row], number: int) -> list[Row]:
    return [*rows, Row(claim=STANDING.claim + number, cents=STANDING.cents)]


# --- the oracle


@dataclass
class Expected:
    """fates: (file, fate) -> rows. claims: claim -> (cents, counts) as it stands. superseded: cents of older deliveries."""

    fates: Counter[tuple[int, str]]
    claims: dict[int, tuple[int, bool]]
    superseded: int


def stands(row: Row) -> bool:
    return not row.denied and row.kind != "V" and row.status not in ("04", "22")


def oracle(files: Sequence[Sequence[Row]]) -> Expected:
    """What becomes of one source's rows: the last file of a claim stands, of it the highest version."""
    fit = [[row for row in rows if not row.is_bad] for rows in files]
    last_file = {row.claim: number for number, rows in enumerate(fit) for row in rows}
    found = Expected(fates=Counter(), claims={}, superseded=0)
    for number, rows in enumerate(fit):
        of_claim: Mapping[int, list[Row]] = defaultdict(list)
        for row in rows:
            of_claim[row.claim].append(row)
        for claim_number, versions in of_claim.items():
            final = max(versions, key=lambda row: row.version)
            cents = final.cents if stands(final) else 0
            if last_file[claim_number] == number:
                found.fates[number, "kept"] += 1
                found.fates[number, "older_version"] += len(versions) - 1
                found.claims[claim_number] = (cents, stands(final))
            else:
                found.fates[number, "superseded"] += len(versions)
                found.superseded += cents
    found.fates = +found.fates
    return found


# --- the product


@pytest.fixture
def clean_site(yard: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A new folder for each example, with the sources' paths in it."""

    def make() -> Site:
        root = tmp_path_factory.mktemp("conserved")
        given_sources = yard.site.settings.sources
        sources = {
            name: given_sources[name].model_copy(update={"path": f"inbox/{name}"}) for name in ("medicare", "payer_a")
        }
        return Site(root=root, settings=yard.site.settings.model_copy(update={"sources": sources}))

    return make


def write(site: Site, source_id: str, folder: str, name: str, text: str) -> None:
    path = site.inbox / source_id / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def received_and_built(
    site: Site, keys: tuple[store.Key, store.Key], carrier: Sequence[Sequence[Row]], medical: Sequence[Sequence[Row]]
) -> tuple[dict[str, StagedFile], ClaimsModel]:
    write(site, "medicare", ".", "crosswalk.csv", CROSSWALK)
    write(site, "payer_a", FOLDERS[1], "members.txt", MEMBERS)
    for number, folder in enumerate(FOLDERS):
        write(site, "medicare", folder, f"carrier{number}.csv", carrier_file(carrier[number]))
        months = ("202501|202503", "202504|202506")[number]
        write(site, "payer_a", folder, f"medical{number}.txt", medical_file(medical[number], months))
    store_key, vault_key = keys
    staged = receive(site, store_key=store_key, vault_key=vault_key, progress=Silent())
    model = build_model(site, staged, store_key=store_key, vault_key=vault_key, progress=Silent())
    return {one.file.path.name.partition(".")[0]: one for one in staged}, model


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # each example is a whole load: shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    carrier=st.tuples(carrier_rows, carrier_rows),
    medical=st.tuples(medical_rows, medical_rows),
)
def test_rows_and_dollars_are_conserved_at_every_stage(
    yard: Any,
    clean_site: Any,
    carrier: tuple[list[Row], list[Row]],
    medical: tuple[list[Row], list[Row]],
) -> None:
    site = clean_site()
    files = {
        "carrier": [with_standing(rows, number) for number, rows in enumerate(carrier)],
        "medical": [with_standing(rows, 5 + number) for number, rows in enumerate(medical)],
    }
    staged, model = received_and_built(site, (yard.store_key, yard.vault_key), files["carrier"], files["medical"])
    expected = {name: oracle(of_source) for name, of_source in files.items()}

    # accepted and quarantined: every row of every file, and the dollars of the accepted ones
    for name, of_source in files.items():
        for number, rows in enumerate(of_source):
            one = staged[f"{name}{number}"]
            fit = [row for row in rows if not row.is_bad]
            assert (one.rows_read, one.rows_accepted, one.rows_quarantined) == (
                len(rows),
                len(fit),
                len(rows) - len(fit),
            )
            assert one.paid_amount == Decimal(sum(row.cents for row in fit)) / 100

    # superseded, older versions, kept: every accepted row has one fate
    fates = {
        (f"{name}{number}", fate): rows
        for name, found in expected.items()
        for (number, fate), rows in found.fates.items()
    }
    by_digest = {one.file.sha256[:16]: name for name, one in staged.items()}
    assert {(by_digest[digest], fate): rows for digest, _, fate, rows in model.row_fates.iter_rows()} == fates
    frame = reconciliation_frame(list(staged.values()), model.rows_superseded)
    in_files = {row["file"].partition(".")[0]: row["rows_superseded"] for row in frame.to_dicts()}
    assert {name: rows for name, rows in in_files.items() if rows} == {
        name: rows for (name, fate), rows in fates.items() if fate == "superseded"
    }

    # dollars of what stands, of what was superseded, and of what two payers saw
    store.attach(yard.connection, model.path, alias="model", key=yard.store_key, read_only=True)
    yard.connection.execute("use model")
    try:
        db = Warehouse(yard.connection)
        paid = dict(
            db.query(
                "select source_id || case when superseded_by is not null then ' superseded' "
                "when duplicate_of is not null then ' copy' else '' end, cast(100 * sum(paid_amount) as bigint) "
                "from claim group by 1"
            ).rows()
        )
        costs = db.query("select cast(100 * sum(paid_amount) as bigint), count(*) from cost_event").row(0)
    finally:
        yard.connection.execute("use memory")
        yard.connection.execute("detach model")
    ours, theirs = expected["carrier"].claims, expected["medical"].claims
    copies = {number for number, (_, counts) in theirs.items() if counts and ours.get(number, (0, False))[1]}
    assert paid.get("medicare", 0) == sum(cents for cents, _ in ours.values())
    assert paid.get("medicare superseded", 0) == expected["carrier"].superseded
    assert paid.get("payer_a superseded", 0) == expected["medical"].superseded
    assert paid.get("payer_a copy", 0) == sum(theirs[number][0] for number in copies)
    assert paid.get("payer_a", 0) == sum(cents for number, (cents, _) in theirs.items() if number not in copies)
    # counted once: Medicare's claim with what both paid, capped at its allowed amount (paid + 20.00)
    counted = [
        min(cents + theirs[number][0], cents + 2000) if number in copies else cents
        for number, (cents, counts) in ours.items()
        if counts
    ]
    counted += [cents for number, (cents, counts) in theirs.items() if counts and number not in copies]
    assert costs == (sum(counted), len(counted))
