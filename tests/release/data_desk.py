"""A desk for data releases in the small office: a claims model of six persons, their names in the vault, two users with keys."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyrage

from qe import store, vault, warehouse
from qe.claims.load import model_path, vault_path
from qe.ledger.event import PayloadValue
from qe.providers import party_key
from qe.release import agreements
from qe.release.analyses.definition import user_of
from qe.release.contacts import Channel, Contact, Contacts
from qe.release.dissemination import define as defining
from qe.release.dissemination import release as releasing
from qe.release.dissemination.definition import AskedData, DataKind, chosen_columns, chosen_sources
from qe.release.lineage import lineage_of, run_of
from tests.release.conftest import EVIDENCE, RUN_ON, Office

RUN, MODEL = "a" * 16, "c" * 64
ON = date(2026, 6, 1)
SOCIETY, GROUP = "oms", "elm"
ELM, OAK = "U000001", "U000002"
TABLES = "person claim claim_line claim_diagnosis claim_procedure pharmacy_fill"
TERMS = (
    "permitted_uses no_other_use no_marketing safeguards survival no_redisclosure no_linking notify cooperate "
    "binds_contractors"
)

# person -> last name, first name, birth, sex, ZIP, county, MBI, BENE_ID
PEOPLE: dict[str, tuple[str, str, date, int, str, str, str, str]] = {
    "700001": ("Quillfeather", "Ada", date(1950, 3, 4), 2, "43001", "39049", "1EG4TE5MK73", "ABCDEF0123456789"),
    "700002": ("Brackenwood", "Bo", date(1931, 2, 3), 1, "43002", "39049", "2EG4TE5MK73", "BBCDEF0123456789"),
    "700003": ("Thistledown", "Cy", date(1970, 5, 6), 1, "43003", "39049", "3EG4TE5MK73", "CBCDEF0123456789"),
    "700004": ("Marshgold", "Di", date(1944, 7, 8), 2, "43004", "39035", "4EG4TE5MK73", "DBCDEF0123456789"),
    "700005": ("Underhollow", "Ed", date(1949, 9, 9), 1, "43005", "39035", "5EG4TE5MK73", "EBCDEF0123456789"),
}
NAMED_BY_PAYER = "700004"  # no file of Medicare's tells the name
# claim, source, person, first day, allowed dollars; superseded and copy: numbers of other claims
CLAIMS: list[tuple[str, str, str, date, str, str | None, str | None]] = [
    ("800001", "medicare", "700001", date(2025, 6, 1), "100.00", None, None),
    ("800002", "medicare", "700002", date(2025, 7, 1), "200.50", None, None),
    ("800003", "plan_a", "700003", date(2025, 8, 1), "300.00", None, None),
    ("800004", "medicare", "700004", date(2025, 9, 1), "-40.00", None, None),
    ("800005", "plan_a", "700001", date(2025, 10, 1), "55.00", None, None),
    ("800006", "medicare", "700001", date(2024, 12, 31), "9.00", None, None),  # the day before the span
    ("800007", "medicare", "700004", date(2025, 9, 1), "41.00", "800004", None),  # an earlier version
    ("800008", "plan_a", "700001", date(2025, 6, 1), "100.00", None, "800001"),  # a copy of another payer's
]
FILLS = [("800001", "medicare", "700002", date(2025, 7, 2)), ("810002", "plan_a", "700003", date(2025, 8, 2))]
VISITS: list[tuple[str, str, date]] = [  # person, group, day
    ("700001", ELM, date(2025, 6, 1)),
    ("700002", OAK, date(2025, 7, 1)),
    ("700003", ELM, date(2024, 6, 1)),  # exactly 24 months before ON: out
    ("700004", ELM, date(2024, 6, 2)),  # a day later: in
    ("700005", ELM, date(2026, 5, 1)),  # a patient without a claim in the span
]


def claim_rows() -> pl.DataFrame:
    rows = [
        {
            "claim_id": number, "source_id": source, "payer_id": source, "person_id": person,
            "payer_type": "medicare" if source == "medicare" else "commercial", "claim_type": "professional",
            "from_date": first, "thru_date": first, "bill_type": None, "drg": None, "admission_type": None,
            "discharge_status": None, "facility_id": "360001", "billing_npi": "1234567893",
            "attending_npi": "1679576722", "charge_amount": Decimal(dollars), "allowed_amount": Decimal(dollars),
            "paid_amount": Decimal(dollars), "member_amount": Decimal("0.00"), "paid_status": "paid",
            "superseded_by": superseded, "duplicate_of": copied,
        }
        for number, source, person, first, dollars, superseded, copied in CLAIMS
    ]  # fmt: skip
    words = dict.fromkeys(
        ("bill_type", "drg", "admission_type", "discharge_status", "superseded_by", "duplicate_of"), pl.String
    )
    return pl.DataFrame(rows, schema_overrides=words, infer_schema_length=None)


def model_tables() -> dict[str, pl.DataFrame]:
    claims = claim_rows()
    own = ("claim_id", "person_id", "from_date", "superseded_by", "duplicate_of")
    money = claims.select("allowed_amount", "paid_amount")
    lines = claims.select(own).with_columns(
        line_number=pl.lit(1), revenue_code=pl.lit(None, pl.String), hcpcs=pl.lit("99213"),
        units=pl.lit(Decimal("1.000"), pl.Decimal(14, 3)), place_of_service=pl.lit("11"),
        rendering_npi=pl.lit("1679576722"), rendering_specialty=pl.lit("08"), **{one.name: one for one in money},
    )  # fmt: skip
    earlier = lines.head(1).with_columns(line_number=pl.lit(2), superseded_by=pl.lit("1"))  # a version of a line
    lines = pl.concat([lines, earlier])
    diagnoses = claims.select("claim_id", "person_id").with_columns(
        sequence=pl.lit(1), kind=pl.lit("principal"), code=pl.lit("E119"), icd_version=pl.lit(10)
    )
    of_medicare = claims.filter(pl.col("source_id") == "medicare")
    procedures = of_medicare.select("claim_id", "person_id", procedure_date="from_date").with_columns(
        sequence=pl.lit(1), code=pl.lit("0HTV0ZZ"), icd_version=pl.lit(10)
    )
    people = [
        {"person_id": person, "birth_date": born, "death_date": None, "sex": sex, "zip5": place, "county_fips": county}
        for person, (_, _, born, sex, place, county, _, _) in PEOPLE.items()
    ]
    fills = [
        {
            "fill_id": number, "source_id": source, "payer_id": source, "person_id": person, "fill_date": day,
            "payer_type": "medicare" if source == "medicare" else "commercial", "ndc": "00093721410",
            "brand_generic": "G", "days_supply": 30, "prescriber_npi": "1679576722", "pharmacy_npi": "1003000126",
            "allowed_amount": Decimal("12.00"), "paid_amount": Decimal("10.00"),
            "superseded_by": None, "duplicate_of": None,
        }
        for number, source, person, day in FILLS
    ]  # fmt: skip
    visits = [
        {
            "person_id": person, "service_date": day, "hcpcs": "99213", "modifiers": None, "clinician_id": None,
            "group_id": group, "facility_id": None, "is_fqhc_rhc": False,
        }
        for person, group, day in VISITS
    ]  # fmt: skip
    nobody = {"person_id": pl.String, "facility_id": pl.String}
    days = dict.fromkeys(("admit_date", "discharge_date"), pl.Date)
    return {
        "person": pl.DataFrame(people, schema_overrides={"death_date": pl.Date}),
        "member_month": claims.select("person_id", "payer_id").unique().sort("person_id", "payer_id"),
        "claim": claims,
        "claim_line": lines,
        "claim_diagnosis": diagnoses,
        "claim_procedure": procedures,
        "pharmacy_fill": pl.DataFrame(
            fills, schema_overrides={"superseded_by": pl.String, "duplicate_of": pl.String}, infer_schema_length=None
        ),
        "visit": pl.DataFrame(visits, schema_overrides={"modifiers": pl.List(pl.String), "clinician_id": pl.String,
                                                        "facility_id": pl.String}),
        "stay": pl.DataFrame(schema={**nobody, **days}),
        "ed_visit": pl.DataFrame(schema={**nobody, "visit_date": pl.Date}),
    }  # fmt: skip


def opened(secret: pyrage.x25519.Identity, path: Path) -> dict[str, bytes]:
    """What the recipient finds in its package."""
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(path.read_bytes(), [secret]))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table_of(files: dict[str, bytes], name: str) -> pl.DataFrame:
    return pl.read_csv(files[f"{name}.csv"], infer_schema=False)


@dataclass
class DataDesk:
    """Drives data releases the way the commands do, on days that the test names."""

    office: Office
    secret: pyrage.x25519.Identity = field(default_factory=pyrage.x25519.Identity.generate)
    channels: tuple[Channel, ...] = ("age",)

    def open(self) -> "DataDesk":
        """The run with its claims model and vault, the right to data, two users and their agreements."""
        run = self.office.run()
        run.finish({"run_id": RUN, "claims_model": MODEL})
        self._build_model()
        self._fill_vault()
        for source_id in ("medicare", "plan_a"):
            self.rights(source_id, "measures;public;data")
        self.record(
            "user_authorised", party_id=SOCIETY, kind="medical_society", name="Ohio Medical Society", nonprofit=True,
            majority=True, scope="state",
        )  # fmt: skip
        self.record("user_authorised", party_id=GROUP, kind="supplier", name="Elm Group", unit_id=ELM)
        for party in (SOCIETY, GROUP):
            self.sign(party)
        return self

    def _build_model(self) -> None:
        site = self.office.site
        with warehouse.build(model_path(site, MODEL), site.store_key(), engine=site.engine()) as db:
            for name, rows in model_tables().items():
                db.create_table(name, rows)

    def _fill_vault(self) -> None:
        site = self.office.site
        connection = store.connect(site.engine())
        try:
            with vault.attached(connection, vault_path(site), site.vault_key()):
                for person, (last, first, born, sex, place, _, mbi, bene_id) in PEOPLE.items():
                    for source in ("medicare", "plan_a"):
                        connection.execute(
                            "insert into vault.person_key values ($source, $native, $person, 'mbi')",
                            {"source": source, "native": bene_id, "person": int(person)},
                        )
                    teller = "plan_a" if person == NAMED_BY_PAYER else "medicare"
                    connection.execute(
                        "insert into vault.identity (source_id, native_person_id, origin, mbi, hicn, last_name, first_name, "
                        "birth_date, sex, zip5) values ($source, $native, 'crosswalk', $mbi, '123456789A', $last, "
                        "$first, $born, $sex, $place)",
                        {
                            "source": teller, "native": bene_id, "mbi": mbi, "last": last, "first": first, "born": born,
                            "sex": sex, "place": place,
                        },
                    )  # fmt: skip
        finally:
            connection.close()

    def record(self, kind: str, /, **payload: PayloadValue) -> None:
        self.office.record(kind, RUN_ON, **payload)

    def rights(self, source_id: str, rights: str) -> None:
        self.record("source_registered", source_id=source_id, rights=rights, expires_on="2027-12-31")

    def sign(self, party: str, *, terms: str = TERMS, agreement_id: str = "") -> None:
        signed = agreements.Signed(
            agreement_id=agreement_id or f"dua-{party}", kind="qe_dua", party_id=party, terms=tuple(terms.split()),
            redisclosure=(), signed_on=RUN_ON, expires_on=date(2027, 2, 20), evidence_sha256=EVIDENCE,
        )  # fmt: skip
        agreements.add(
            self.office.ledger, self.office.facts(RUN_ON), signed, at=self.office.at(), actor="officer", dry_run=False
        )

    def asked(self, data_id: str, **changes: Any) -> AskedData:
        kind: DataKind = changes.pop("kind", "data_deid")
        words = {
            "party_id": SOCIETY if kind == "data_deid" else GROUP, "topic": "Diabetes care", "fee_dollars": 0,
            "purpose": "quality_improvement", "start": date(2025, 1, 1), "end": date(2025, 12, 31),
        }  # fmt: skip
        lineage = lineage_of(run_of(self.office.facts(ON), RUN))
        columns = chosen_columns(
            changes.pop("tables", TABLES).split(), only=changes.pop("only", ()), without=changes.pop("without", ())
        )
        sources = chosen_sources(lineage, changes.pop("sources", "").split())
        return AskedData(
            data_id=data_id, kind=kind, run_id=RUN, columns=columns, sources=sources, **{**words, **changes}
        )

    def define(
        self, data_id: str = "d1", *, on: date = ON, actor: str = "analyst", **changes: Any
    ) -> defining.DefinedData:
        return defining.define(
            self.office.site, self.office.ledger, self.office.facts(on), self.asked(data_id, **changes),
            when=self.office.when(on), actor=actor, dry_run=False,
        )  # fmt: skip

    def determine(
        self, evidence: Path, data_id: str = "d1", *, method: defining.Method = "safe_harbor", attested: bool = True
    ) -> None:
        defining.determine(
            self.office.site, self.office.ledger, self.office.facts(ON), data_id=data_id, method=method,
            valid_until=date(2026, 12, 31), no_actual_knowledge=attested, evidence=evidence,
            when=self.office.when(ON), actor="officer", dry_run=False,
        )  # fmt: skip

    def approve(self, data_id: str = "d1", *, actor: str = "officer") -> None:
        defining.approve(
            self.office.site, self.office.ledger, self.office.facts(ON), data_id=data_id, when=self.office.when(ON),
            actor=actor, dry_run=False,
        )  # fmt: skip

    def contacts(self) -> Contacts:
        key = str(self.secret.to_public())
        of_party = {
            party_key(party): tuple(
                Contact(
                    unit_id=party_key(party), channel=channel, address=None if channel == "age" else "1 Main Street",
                    age_recipient=key, zone=None,
                )
                for channel in self.channels
            )
            for party in (SOCIETY, GROUP)
        }  # fmt: skip
        return Contacts(of_party, "America/Chicago")

    def plan(self, data_id: str = "d1", *, on: date = ON) -> releasing.DataPlan:
        return releasing.plan_data(
            self.office.site, self.office.ledger, data_id=data_id, contacts=self.contacts(), when=self.office.when(on)
        )

    def release(self, data_id: str = "d1", *, on: date = ON) -> None:
        releasing.release(self.plan(data_id, on=on), self.office.ledger, actor="officer")

    def released(self, data_id: str = "d1", *, channel: str = "age") -> dict[str, bytes]:
        path = self.office.site.outbox / ON.isoformat() / channel / f"data-{data_id}.age"
        return opened(self.secret, path)

    def ready(self, evidence: Path, data_id: str = "d1", **changes: Any) -> None:
        """Defined, determined to be de-identified and approved by a second person."""
        self.define(data_id, **changes)
        self.determine(evidence, data_id)
        self.approve(data_id)

    def failing(self, data_id: str = "d1", *, on: date = ON) -> dict[str, str]:
        return {one.rule: one.fact for one in self.plan(data_id, on=on).decision.reasons if one.verdict == "fail"}

    def user(self, party: str) -> Any:
        return user_of(self.office.facts(ON), party)
