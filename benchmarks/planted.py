"""What was planted (truth/) and what the claims model holds, as frames that can be laid side by side.

Claims are told apart by their source and the payer's own number; amounts are whole cents. A person is the true one, found
through the vault by the source's own id, which needs no linkage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from qe import store
from qe.claims.load import ClaimsModel, vault_path
from qe.site import Site

ID_COLUMNS = (  # source, column of truth/persons.csv; some persons have two BENE_IDs
    ("medicare", "bene_id"),
    ("medicare", "second_bene_id"),
    ("payer_a", "member_a"),
    ("payer_b", "member_b"),
)
CLAIMS = """
    select
        claim_id, source_id as source, person_id, claim_type as kind, claim.from_date as day,
        facility.identifier as facility_ccn, admit_date, frequency_code, paid_status, service_occurred,
        cast(coalesce(claim.allowed_amount, 0) * 100 as bigint) - coalesce(priced.cents, 0) as allowed,
        cast(coalesce(claim.paid_amount, 0) * 100 as bigint) as paid,
        coalesce(priced.cents, 0) as priced, duplicate_of, superseded_by, coalesce(mco_paid, false) as mco_paid,
        payment_arrangement, point_of_origin, version
    from claim
    left join unit as facility on facility.unit_id = claim.facility_id
    left join (
        select claim_id, cast(sum(allowed_amount) * 100 as bigint) as cents from claim_line where repriced group by claim_id
    ) as priced using (claim_id)
"""
FILLS = """
    select
        fill_id, source_id as source, person_id, fill_date as day, fill_status as paid_status, duplicate_of, superseded_by,
        cast(coalesce(allowed_amount, 0) * 100 as bigint) as allowed, cast(coalesce(paid_amount, 0) * 100 as bigint) as paid
    from pharmacy_fill
"""
STAYS = """
    select stay_id, person_id, unit.identifier as facility_ccn, admit_date, discharge_date, is_acute, is_open, principal_diagnosis
    from stay left join unit on unit.unit_id = stay.facility_id
"""
COSTS = """
    select claim_id, event_kind, payer_type, cast(coalesce(allowed_amount, 0) * 100 as bigint) as allowed,
        cast(coalesce(paid_amount, 0) * 100 as bigint) as paid, repriced
    from cost_event
"""


@dataclass(frozen=True)
class Planted:
    """truth/ of one sample."""

    folder: Path

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_csv(self.folder / f"{name}.csv", infer_schema=False)

    @cached_property
    def services(self) -> pl.DataFrame:
        """truth/services.csv: is_live where the payer did not refuse and nobody reversed; allowed and paid in cents."""
        few = pl.Categorical
        names = ("source", "kind", "facility_ccn", "outcome", "payer")
        frame = pl.read_csv(
            self.folder / "services.csv",
            schema_overrides={
                "claim": pl.String,
                "service": pl.Int64,
                "person": pl.Int64,
                "allowed": pl.String,
                "admit_date": pl.String,
                "discharge_date": pl.String,
                "paid": pl.String,
                **dict.fromkeys(names, few),
            },
            try_parse_dates=True,
        )
        return frame.with_columns(
            pl.col(names).cast(pl.String),
            pl.col("is_copy", "is_late_charge") == 1,
            *(pl.col(name).str.replace(".", "", literal=True).cast(pl.Int64) for name in ("allowed", "paid")),
            pl.col("admit_date", "discharge_date").str.to_date("%Y-%m-%d"),
            is_live=~pl.col("outcome").is_in(["denied", "reversed"]),
        )

    @cached_property
    def ids(self) -> pl.DataFrame:
        """person, source, native_person_id: every id that a source knows a person by."""
        persons = self.table("persons").with_columns(pl.col("person").cast(pl.Int64))
        return pl.concat(
            persons.select("person", pl.lit(source).alias("source"), pl.col(column).alias("native_person_id"))
            for source, column in ID_COLUMNS
        ).filter(pl.col("native_person_id").is_not_null())

    @cached_property
    def months(self) -> pl.DataFrame:
        """person, month, primary, secondary, part_a, part_b: coverage.csv month by month."""
        spells = self.table("coverage").with_columns(
            pl.col("person").cast(pl.Int64),
            pl.col("from_month", "to_month").str.to_date("%Y-%m"),
            pl.col("part_a", "part_b") == "1",
        )
        return (
            spells.with_columns(month=pl.date_ranges("from_month", "to_month", interval="1mo"))
            .explode("month")
            .drop("from_month", "to_month", "part_d")
        )


@dataclass(frozen=True)
class Found:
    """The claims model of a site beside its vault's keys: what no measure ever sees together."""

    site: Site
    model: ClaimsModel

    def query(self, sql: str) -> pl.DataFrame:
        with store.open_encrypted(
            self.model.path, self.site.store_key(), engine=self.site.engine(), read_only=True
        ) as db:
            return db.execute(sql).pl()

    def _keys(self, sql: str) -> pl.DataFrame:
        with store.open_encrypted(
            vault_path(self.site), self.site.vault_key(), engine=self.site.engine(), read_only=True
        ) as db:
            return db.execute(sql).pl()

    @cached_property
    def person_keys(self) -> pl.DataFrame:
        return self._keys(
            "select source_id as source, native_person_id, cast(person_id as varchar) as person_id from person_key"
        )

    @cached_property
    def claims(self) -> pl.DataFrame:
        """Every claim that the model holds, with the payer's own number as `claim`."""
        numbers = self._keys(
            "select cast(claim_id as varchar) as claim_id, split_part(native_claim_id, ':', -1) as claim from claim_key"
        )
        return self.query(CLAIMS).join(numbers, on="claim_id", how="left")

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Every fill that the model holds, with the source's own number as `claim`."""
        numbers = self._keys(
            "select cast(fill_id as varchar) as fill_id, case when native_fill_id like '%:%' "
            "then split_part(native_fill_id, ':', 2) else native_fill_id end as claim from fill_key"
        )
        return self.query(FILLS).join(numbers, on="fill_id", how="left")


@dataclass(frozen=True, kw_only=True)
class Persons:
    """True persons beside the model's. A person is linked right when all ids are one person of the model, and nobody else's.

    of_model  person_id -> person, for the persons linked right
    known     person, source, person_id: under which person of the model each source's rows of a true person stand
    """

    of_model: pl.DataFrame
    known: pl.DataFrame
    parted: frozenset[int]
    joined: frozenset[int]


def persons_of(planted: Planted, found: Found) -> Persons:
    """Lay the true ids beside the vault's."""
    known = planted.ids.join(found.person_keys, on=["source", "native_person_id"]).select(
        "person", "source", "person_id"
    )
    pairs = known.select("person", "person_id").unique()
    parted = pairs.group_by("person").len().filter(pl.col("len") > 1)["person"]
    shared = pairs.group_by("person_id").len().filter(pl.col("len") > 1)["person_id"]
    joined = pairs.filter(pl.col("person_id").is_in(shared.implode()))["person"].unique()
    wrong = pl.concat([parted, joined]).unique()
    return Persons(
        of_model=pairs.filter(~pl.col("person").is_in(wrong.implode())),
        known=known.unique(),
        parted=frozenset(parted),
        joined=frozenset(joined),
    )


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity: how much the truth holds, how much the model holds, what of the one the other lacks."""

    expected: int
    found: int
    missing: int
    extra: int

    @property
    def is_exact(self) -> bool:
        return self.missing == self.extra == 0


def compared(expected: pl.DataFrame, found: pl.DataFrame) -> Quantity:
    """Rows of two frames of the same columns, each as often as it stands there."""
    columns = expected.columns
    sides = (frame.select(columns).group_by(columns).len() for frame in (expected, found))
    both = next(sides).join(next(sides), on=columns, how="full", coalesce=True, nulls_equal=True, suffix="_found")
    both = both.with_columns(pl.col("len", "len_found").fill_null(0).cast(pl.Int64))
    more = (pl.col("len") - pl.col("len_found")).clip(lower_bound=0).sum()
    less = (pl.col("len_found") - pl.col("len")).clip(lower_bound=0).sum()
    missing, extra = both.select(more.alias("missing"), less.alias("extra")).row(0)
    return Quantity(expected=expected.height, found=found.height, missing=missing, extra=extra)


def by_group(expected: pl.DataFrame, found: pl.DataFrame, group: str) -> Mapping[str, Quantity]:
    """`compared` for each value of one column."""
    values = sorted({*expected[group].unique(), *found[group].unique()} - {None})
    return {
        str(value): compared(expected.filter(pl.col(group) == value), found.filter(pl.col(group) == value))
        for value in values
    }


def cents_by(true: pl.DataFrame, held: pl.DataFrame, group: str) -> Mapping[str, Quantity]:
    """Cents claim by claim (source, claim, cents), for each value of `group`: missing and extra are cents too few and too many."""
    keys = [group, "source", "claim"]
    true, held = (frame.group_by(keys).agg(pl.col("cents").sum()) for frame in (true, held))
    both = true.join(held, on=keys, how="full", coalesce=True, suffix="_found").with_columns(
        pl.col("cents", "cents_found").fill_null(0)
    )
    more = pl.col("cents") - pl.col("cents_found")
    sums = both.group_by(group).agg(
        expected=pl.col("cents").sum(),
        found=pl.col("cents_found").sum(),
        missing=more.clip(lower_bound=0).sum(),
        extra=(-more).clip(lower_bound=0).sum(),
    )
    return {row.pop(group): Quantity(**row) for row in sums.sort(group).to_dicts()}
