"""Is every dirty row of truth/dirt.csv handled as its kind asks, and nothing else so? (sample_data.md section 6)

Each kind has its own reading of the model: what must be found there for the row to count as handled. `missing` are dirty rows
that were not handled so, `extra` what the model treats so without its being dirty.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from benchmarks.planted import Found, Persons, Planted, Quantity, compared
from qe import store
from qe.sources.manifest import StagedFile

RULES = {  # kind of malformed row -> the rule that must quarantine it
    "impossible_date": "bad-date",
    "date_in_words": "bad-date",
    "amount_in_words": "bad-number",
    "line_number_in_words": "bad-number",
    "too_few_columns": "wrong-column-count",
    "too_many_columns": "wrong-column-count",
    "no_person": "missing-value",
    "no_claim_number": "missing-value",
    "nul_byte": "nul-byte",
    "not_utf8": "not-utf8",
}
REPLACED_ANEW = "N"  # ends the number of a claim that replaces a reversed one under a number of its own
CAPITATED = "01"
KEY = ["source", "record"]
DENIED_LINES = """
    select claim_id, cast(line_number as varchar) as detail from claim_line join claim using (claim_id)
    where claim_line.line_status = 'denied' and claim.paid_status not in ('denied', 'reversed', 'void')
"""
STATED_ORIGIN_OR_NOT = "select distinct claim_id from claim_diagnosis where present_on_admission is not null"
LINES_OF_CAPITATING_PAYERS = f"""
    select
        claim_id, line.payer_id, line.hcpcs, line.place_of_service, line.repriced,
        cast(line.allowed_amount * 100 as bigint) as cents, coalesce(claim.payment_arrangement, '') = '{CAPITATED}' as is_capitated
    from claim_line as line
    join claim using (claim_id)
    where line.line_status in ('paid', 'zero_paid') and claim.claim_type in ('professional', 'dme') and line.hcpcs is not null
        and line.payer_id in (select payer_id from claim where payment_arrangement = '{CAPITATED}')
"""


class Dirt:
    """The listed rows, and the claims of the model by the number they first came under."""

    def __init__(self, planted: Planted, found: Found) -> None:
        self.planted, self.found = planted, found
        self.listed = planted.table("dirt")
        claims = found.claims.with_columns(record=pl.col("claim").str.strip_suffix(REPLACED_ANEW))
        self.all = claims
        self.claims = claims.filter(~pl.col("paid_status").is_in(["reversed", "void"]))
        refused = planted.services.filter(outcome="denied").select(
            "source", record=pl.col("claim").str.strip_suffix(REPLACED_ANEW)
        )
        self.denied_whole = self.of("denied_claim").select(KEY)
        self.denied_by_line = refused.join(self.denied_whole, on=KEY, how="anti")

    def of(self, kind: str) -> pl.DataFrame:
        return self.listed.filter(kind=kind)

    def _against(self, kind: str, held: pl.DataFrame) -> Quantity:
        return compared(self.of(kind).select(KEY), held.select(KEY))

    def by_claims(self) -> Mapping[str, Quantity]:
        """Kinds that a claim as a whole is of."""
        claims, medicare = self.claims, self.claims.filter(source="medicare")
        occurred = pl.col("service_occurred")
        is_free = (pl.col("allowed") == 0) & (pl.col("paid") == 0)
        denied = claims.filter(~occurred, is_free, pl.col("paid_status") == "denied")
        avoided = medicare.filter(occurred, is_free, pl.col("paid_status") == "other_payer_paid")
        exhausted = medicare.filter(occurred, is_free, ~pl.col("mco_paid"), kind="inpatient", paid_status="zero_paid")
        second_payers = claims.filter(occurred, is_free).join(
            exhausted.select(duplicate_of="claim_id"), on="duplicate_of", how="semi"
        )
        in_bed = claims.filter(kind="inpatient")
        return {
            "denied_claim": self._against("denied_claim", denied.join(self.denied_by_line, on=KEY, how="anti")),
            "cost_avoided": compared(
                self.of("cost_avoided").select(KEY).join(self.denied_by_line, on=KEY, how="anti"), avoided.select(KEY)
            ),
            "benefits_exhausted": self._against("benefits_exhausted", pl.concat([exhausted, second_payers])),
            "information_only": self._against("information_only", claims.filter(occurred, is_free, pl.col("mco_paid"))),
            "late_charge": self._against("late_charge", claims.filter(occurred, frequency_code="5")),
            "reversed_and_replaced": self._against("reversed_and_replaced", self._replaced_after_reversal()),
            "replaced": self._against(
                "replaced", claims.filter(~pl.col("claim").str.ends_with(REPLACED_ANEW), version=1)
            ),
            "reversed_fill": self._against("reversed_fill", self._taken_back()),
            "missing_present_on_admission": self._against("missing_present_on_admission", self._without_origin(in_bed)),
            "missing_point_of_origin": self._against(
                "missing_point_of_origin", in_bed.filter(pl.col("point_of_origin").is_null())
            ),
            "capitated": self._against("capitated", self._priced()),
        }

    def _replaced_after_reversal(self) -> pl.DataFrame:
        """Third versions under one number; or a replacement of a number that stands as reversed and did not take place."""
        gone = self.all.filter(~pl.col("service_occurred"), paid_status="reversed").select(KEY)
        anew = self.claims.filter(pl.col("claim").str.ends_with(REPLACED_ANEW)).join(gone, on=KEY, how="semi")
        return pl.concat([anew.select(KEY), self.claims.filter(version=2).select(KEY)])

    def _taken_back(self) -> pl.DataFrame:
        is_free = (pl.col("allowed") == 0) & (pl.col("paid") == 0)
        fills = self.found.fills.filter(is_free, pl.col("paid_status").is_in(["reversed", "void"]))
        return fills.rename({"claim": "record"})

    def _without_origin(self, in_bed: pl.DataFrame) -> pl.DataFrame:
        """Hospital claims without any indicator; critical access hospitals (13 in their number) send none, dirty or not."""
        stated = self.found.query(STATED_ORIGIN_OR_NOT)
        silent = in_bed.join(stated, on="claim_id", how="anti")
        listed = self.of("missing_present_on_admission").select(KEY)
        at_others = silent.filter(~pl.col("facility_ccn").str.contains("^..13"))
        return pl.concat([at_others.select(KEY), silent.select(KEY).join(listed, on=KEY, how="semi")]).unique()

    def _priced(self) -> pl.DataFrame:
        """Capitated claims all of whose lines carry the payer's median for code and place, else for the code, if it has any."""
        lines = self.found.query(LINES_OF_CAPITATING_PAYERS)
        others = lines.filter(~pl.col("is_capitated"), pl.col("cents") > 0)
        median = pl.col("cents").quantile(0.5, interpolation="lower").cast(pl.Int64)
        place, code = ["payer_id", "hcpcs", "place_of_service"], ["payer_id", "hcpcs"]
        judged = (
            lines.filter("is_capitated")
            .join(others.group_by(place).agg(at_place=median), on=place, how="left", nulls_equal=True)
            .join(others.group_by(code).agg(of_code=median), on=code, how="left")
            .with_columns(price=pl.coalesce("at_place", "of_code", pl.lit(0)))
        )
        wrong = judged.filter((pl.col("cents") != pl.col("price")) | (pl.col("repriced") != (pl.col("price") > 0)))
        is_capitated = (pl.col("payment_arrangement") == CAPITATED) | (pl.col("priced") > 0)
        return self.claims.filter(is_capitated).join(wrong.select("claim_id").unique(), on="claim_id", how="anti")

    def by_lines(self) -> Mapping[str, Quantity]:
        """Lines that were denied on claims that were not denied as a whole."""
        keys = [*KEY, "detail"]
        numbers = self.claims.select("claim_id", *KEY)
        by_line = self.of("denied_line").join(self.denied_whole, on=KEY, how="anti")
        partly = by_line.join(self.denied_by_line, on=KEY, how="anti")
        held = self.found.query(DENIED_LINES).join(numbers, on="claim_id")
        wholly = self.claims.filter(~pl.col("service_occurred"), paid_status="denied")
        return {
            "denied_line": compared(partly.select(keys), held.select(keys)),
            "all_lines_denied": compared(
                by_line.select(KEY).unique().join(self.denied_by_line, on=KEY, how="semi"),
                wholly.join(self.denied_whole, on=KEY, how="anti").select(KEY),
            ),
        }


def _persons(planted: Planted, people: Persons) -> Mapping[str, Quantity]:
    """Two ids of one person are one; twins and namesakes are two."""
    dirt = planted.table("dirt")
    two = planted.table("persons").filter(pl.col("second_bene_id").is_not_null())
    ids = people.known.filter(source="medicare").group_by("person").agg(pl.col("person_id").n_unique())
    held = ids.join(two.select(pl.col("person").cast(pl.Int64)), on="person", how="semi").filter(person_id=1)
    listed = dirt.filter(kind="two_bene_ids").select(person=pl.col("record").cast(pl.Int64))
    found = {"two_bene_ids": compared(listed, held.select("person"))}
    before = people.known.with_columns(pl.col("person") + 1).select("person", "person_id").unique()
    together = people.known.join(before, on=["person", "person_id"], how="semi").select("person").unique()
    for kind in ("twin", "namesake"):
        alike = dirt.filter(kind=kind).select(person=pl.col("record").cast(pl.Int64))
        alike = alike.join(people.known.select("person").unique(), on="person", how="semi")
        found[kind] = compared(alike, alike.join(together, on="person", how="anti"))
    return found


def _quarantined(found: Found, staged: Sequence[StagedFile]) -> pl.DataFrame:
    """file, line, rule, column of every quarantined row of the site."""
    site, parts = found.site, []
    for one in staged:
        key = site.vault_key() if one.in_vault else site.store_key()
        with store.open_encrypted(one.database, key, engine=site.engine(), read_only=True) as db:
            rows = db.execute(
                "select cast(row_number as varchar) as line, rule, column_name as column from quarantined_row"
            ).pl()
        parts.append(rows.with_columns(file=pl.lit(f"{one.file.source_id}/{one.file.place}")))
    return pl.concat(parts)


def _malformed(planted: Planted, found: Found, staged: Sequence[StagedFile]) -> Quantity:
    keys = ["file", "line", "rule", "column"]
    rows = planted.table("dirt").filter(pl.col("kind").str.starts_with("malformed_"))
    listed = rows.select(
        file="source",
        line="record",
        rule=pl.col("kind").str.strip_prefix("malformed_").replace_strict(RULES),
        column="detail",
    )
    return compared(listed, _quarantined(found, staged).select(keys))


def handled(planted: Planted, found: Found, people: Persons, staged: Sequence[StagedFile]) -> Mapping[str, Quantity]:
    """Every kind of dirt but faults of identity, which are the linkage's own check."""
    dirt = Dirt(planted, found)
    return {
        **dirt.by_claims(),
        **dirt.by_lines(),
        **_persons(planted, people),
        "malformed": _malformed(planted, found, staged),
    }
