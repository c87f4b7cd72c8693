"""Does the claims model hold what was planted, exactly? Every quantity of truth/ against the model, row by row, at 100,000 persons.

A sample with truth/services.csv is generated, received and built into a claims model on the real path; no measure runs.

Persons. What each payer's files say of its own members (claims, dollars, dirty rows) is compared through the source's own
id and claim number, so that no linkage stands in between, and must be exact for everybody. What several payers' files say
together (services counted once, copies, stays, chains, person-months, combined cost) is compared for the persons that the
linkage has right: all their ids one person of the model and nobody else's. There it must be exact too. What differs for the
others alone is counted beside it (`persons`, `of_persons_linked_wrongly`): how many they are is the linkage's own check
(bin/long recovery).

Three things no file tells, so that the comparison does not ask for them. Two equal services of one day (same kind, facility
and dollars) cannot be told apart: which copy goes with which is counted in `of_equal_services`. A payer's claim of a supplier
is a professional one unless its codes say otherwise, as APCD-CDL has no type for it. Capitated lines have no allowed amount:
their price is estimated and left out of the dollars, and compared as dirt.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.dirt import handled
from benchmarks.planted import (
    COSTS,
    STAYS,
    Found,
    Persons,
    Planted,
    Quantity,
    by_group,
    cents_by,
    persons_of,
)
from benchmarks.site import generated, modelled, site_over
from qe.progress import Progress
from qe.site import Site

PAYER_TYPES = {
    "medicare": "medicare",
    "advantage_b": "medicare_advantage",
    "advantage_elsewhere": "medicare_advantage",
    "commercial_a": "commercial",
    "commercial_b": "commercial",
    "medicaid": "medicaid",
    "medigap": "commercial",
}
FIRST_PAYERS = {  # whose files show the months of a segment
    "medicare": "medicare",
    "advantage_b": "payer_b",
    "advantage_elsewhere": "medicare",
    "commercial_a": "payer_a",
    "commercial_b": "payer_b",
    "medicaid": "payer_b",
}
NO_CLAIM = ("void", "reversed")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What was compared, each by its kinds.

    persons                    known to the model, linked right, parted (several persons of the model), joined with somebody
    of_persons_linked_wrongly  services counted twice or not at all and copies missed or wrong, among them alone
    of_equal_services          copies that name the claim of an equal service of the same day
    """

    persons_planted: int
    seed: int
    claims: Mapping[str, Quantity]
    distinct_services: Mapping[str, Quantity]
    duplicates: Mapping[str, Quantity]
    stays: Mapping[str, Quantity]
    transfer_chains: Mapping[str, Quantity]
    person_months: Mapping[str, Quantity]
    allowed_cents: Mapping[str, Quantity]
    paid_cents: Mapping[str, Quantity]
    combined_cents: Mapping[str, Quantity]
    dirt: Mapping[str, Quantity]
    persons: Mapping[str, int]
    of_persons_linked_wrongly: Mapping[str, int]
    of_equal_services: int

    @property
    def inexact(self) -> tuple[str, ...]:
        """Names of the quantities that differ."""
        return tuple(
            f"{name} of {kind}"
            for name, kinds in vars(self).items()
            if isinstance(kinds, Mapping)
            for kind, quantity in kinds.items()
            if isinstance(quantity, Quantity) and not quantity.is_exact
        )


def check(
    folder: Path,
    *,
    persons: int,
    seed: int,
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Truth:
    """Generate, receive, build, compare. Can be stopped and run again in the same folder."""
    asked = {**(settings or {}), "services": "1"}
    files = generated(
        folder / f"sample-{persons}-{seed}", persons=persons, seed=seed, settings=asked, progress=progress
    )
    site = site_over(folder / f"site-{persons}-{seed}", files / "inbox")
    return compare(site, files / "truth", persons=persons, seed=seed, progress=progress)


def compare(site: Site, planted_in: Path, *, persons: int, seed: int, progress: Progress | None = None) -> Truth:
    """The claims model of a site over a sample, built where it is not there yet, against the sample's truth/."""
    staged, model = modelled(site, progress=progress)
    planted, found = Planted(planted_in), Found(site, model)
    people = persons_of(planted, found)
    both = _side_by_side(planted, found, people)
    right = both.filter("is_linked_right")
    pairs, equal = _duplicates(right, planted)
    fills_twice = found.fills.filter(pl.col("duplicate_of").is_not_null()).join(people.of_model, on="person_id").height
    wrong = both.filter(~pl.col("is_linked_right"))
    wrong_pairs, _ = _duplicates(wrong, planted)
    stays = _true_stays(planted, right)
    stays_found = _stays_found(found, people)
    return Truth(
        persons_planted=persons,
        seed=seed,
        claims=_claims(planted, found, people),
        distinct_services=_services(right),
        duplicates={**pairs, "pharmacy": Quantity(expected=0, found=fills_twice, missing=0, extra=fills_twice)},
        stays=_stays(stays, stays_found),
        transfer_chains=_chains(stays, found, stays_found),
        person_months=_months(planted, found, people),
        allowed_cents=_cents(planted, found, "allowed"),
        paid_cents=_cents(planted, found, "paid"),
        combined_cents=_combined(planted, right, found),
        dirt=handled(planted, found, people, staged),
        persons={
            "known": people.known["person"].n_unique(),
            "linked_right": people.of_model["person"].n_unique(),
            "parted": len(people.parted),
            "joined_with_another": len(people.joined),
        },
        of_persons_linked_wrongly={
            "services_missing": sum(one.missing for one in _services(wrong).values()),
            "services_extra": sum(one.extra for one in _services(wrong).values()),
            "copies_missing": sum(one.missing for one in wrong_pairs.values()),
            "copies_extra": sum(one.extra for one in wrong_pairs.values()),
        },
        of_equal_services=equal,
    )


def _standing(found: Found) -> pl.DataFrame:
    """The model's claims and fills that are the final ones."""
    claims = found.claims.filter(~pl.col("paid_status").is_in(NO_CLAIM), pl.col("superseded_by").is_null())
    return claims.with_columns(kind=_kind())


def _kind() -> pl.Expr:
    """A payer's supplier claim is a professional one: only its codes could tell."""
    is_payers = pl.col("kind").eq("dme") & pl.col("source").ne("medicare")
    return pl.when(is_payers).then(pl.lit("professional")).otherwise("kind").alias("kind")


def _true_claims(planted: Planted) -> pl.DataFrame:
    return planted.services.filter(pl.col("kind") != "pharmacy").with_columns(kind=_kind())


def _person_of(people: Persons) -> pl.DataFrame:
    """source, person_id -> the true person whose rows of that source stand there; nobody where two persons' do."""
    return people.known.unique(["source", "person_id"], keep="none")


def _claims(planted: Planted, found: Found, people: Persons) -> Mapping[str, Quantity]:
    """Every claim that stands, by source: number, kind, day, facility, admission, whether it took place, and whose it is.

    Whose it is cannot be told of two members of one source whom the linkage joined: they are left out.
    """
    keys = ["source", "claim", "person", "kind", "day", "facility_ccn", "admit_date", "took_place"]
    true = _true_claims(planted).rename({"is_live": "took_place"})
    true = true.join(_person_of(people), on=["source", "person"], how="semi")
    held = _standing(found).rename({"service_occurred": "took_place"})
    held = held.join(_person_of(people), on=["source", "person_id"])
    return by_group(true.select(keys), held.select(keys), "source")


def _side_by_side(planted: Planted, found: Found, people: Persons) -> pl.DataFrame:
    """True claims, each beside its claim in the model (null where it has none). Services of one number in `equals` are equal."""
    model = _standing(found).select("source", "claim", "claim_id", "service_occurred", "duplicate_of", "frequency_code")
    claims = _true_claims(planted).join(model, on=["source", "claim"], how="left")
    services = claims.group_by("service").agg(
        pl.col("person", "kind", "day", "facility_ccn").first(),
        pl.concat_str("source", "allowed", "paid", separator=" ")
        .filter(~_is_second())
        .sort()
        .str.join(";")
        .alias("dollars"),
    )
    equals = pl.struct("person", "kind", "day", "facility_ccn", "dollars").rank("dense").alias("equals")
    return claims.join(services.select("service", equals), on="service").with_columns(
        is_linked_right=pl.col("person").is_in(people.of_model["person"].implode())
    )


def _is_second() -> pl.Expr:
    return pl.col("is_copy") | (pl.col("outcome") == "information_only")


def _services(both: pl.DataFrame) -> Mapping[str, Quantity]:
    """Services that took place: in truth each number once, in the model each claim that no other stands for; no late charges."""
    kind = pl.col("kind").replace("dme", "professional")
    true = both.filter("is_live", ~pl.col("is_late_charge")).with_columns(kind).unique(["service", "kind"])
    is_late = pl.col("frequency_code").eq_missing("5") & pl.col("kind").eq("outpatient")
    held = both.filter("service_occurred", pl.col("duplicate_of").is_null(), ~is_late).with_columns(kind)
    return by_group(true.select("service", "kind"), held.select("service", "kind"), "kind")


def _duplicates(both: pl.DataFrame, planted: Planted) -> tuple[Mapping[str, Quantity], int]:
    """The planted pairs of claims that both took place, by the source of the copy; and how many name an equal service's claim."""
    listed = pl.concat(
        planted.table(name).select(claim="medicare_claim", source=pl.lit("medicare"))
        for name in ("duplicates", "information_only")
    )
    services = both.join(listed, on=["source", "claim"], how="semi").select("service")
    live = both.filter("is_live").join(services, on="service", how="semi")
    true = live.filter(_is_second(), pl.len().over("service") > 1)
    marked = both.filter(pl.col("duplicate_of").is_not_null()).join(
        both.select(duplicate_of="claim_id", kept_service="service", kept_equals="equals"),
        on="duplicate_of",
        how="left",
    )
    held = marked.with_columns(equals="kept_equals")
    keys = ["source", "claim", "equals"]
    equal = marked.filter(pl.col("equals") == pl.col("kept_equals"), pl.col("service") != pl.col("kept_service"))
    return by_group(true.select(keys), held.select(keys), "source"), equal.height


STAY = ["person", "facility_ccn", "admit_date"]


def _true_stays(planted: Planted, right: pl.DataFrame) -> pl.DataFrame:
    """Stays that somebody's files show, with the last bill's discharge (null: open); of hospital stays the diagnosis too.

    A bill of a stay that truth/ does not know goes on with the known stay at the same place that ends on its first day.
    """
    beds = right.filter("is_live", pl.col("kind").is_in(["inpatient", "snf"]))
    stays = beds.sort(*STAY, "day").group_by(STAY, maintain_order=True).agg(pl.col("kind", "discharge_date").last())
    known = planted.table("stays").select(
        pl.col("person").cast(pl.Int64),
        pl.col("admit_date").str.to_date(),
        "stay", "transfer_from", "diagnosis", facility_ccn="hospital_ccn",
    )  # fmt: skip
    hospitals = planted.table("provider_effects").filter(level="facility", parameter="readmission")["id"]
    is_acute = (pl.col("kind") == "inpatient") & pl.col("facility_ccn").is_in(hospitals.implode())
    told = stays.join(known, on=STAY, how="left").with_columns(is_acute=is_acute).sort(STAY)
    before = pl.col("person", "facility_ccn", "discharge_date", "stay").shift().name.suffix("_before")
    goes_on = pl.all_horizontal(
        pl.col("stay").is_null() & pl.col("stay_before").is_not_null(),
        pl.col("person") == pl.col("person_before"),
        pl.col("facility_ccn") == pl.col("facility_ccn_before"),
        pl.col("admit_date") == pl.col("discharge_date_before"),
    ).fill_null(False)
    of_one = told.with_columns(before).with_columns(one=(~goes_on).cum_sum()).group_by("one", maintain_order=True)
    return of_one.agg(pl.col(told.columns).exclude("discharge_date").first(), pl.col("discharge_date").last()).drop(
        "one"
    )


def _stays_found(found: Found, people: Persons) -> pl.DataFrame:
    return found.query(STAYS).join(people.of_model, on="person_id")


def _stays(stays: pl.DataFrame, held: pl.DataFrame) -> Mapping[str, Quantity]:
    """By whether they are acute: where, from when, until when, and for what where the truth says for what."""
    known = stays.filter(pl.col("diagnosis").is_not_null()).select(*STAY, is_known=pl.lit(True))
    keys = [*STAY, "discharge_date", "diagnosis", "kind"]
    kind = pl.when("is_acute").then(pl.lit("acute")).otherwise(pl.lit("other")).alias("kind")
    told = held.join(known, on=STAY, how="left").with_columns(
        diagnosis=pl.when("is_known").then("principal_diagnosis"),
    )
    return by_group(stays.with_columns(kind).select(keys), told.with_columns(kind).select(keys), "kind")


def _chains(stays: pl.DataFrame, found: Found, held: pl.DataFrame) -> Mapping[str, Quantity]:
    """Chains of acute stays as the dates make them, and the planted transfers: both stays in one chain."""
    acute = stays.filter("is_acute").with_columns(until=pl.col("discharge_date").fill_null(pl.col("admit_date")))
    chain_of: dict[tuple[int, str, date], int] = {}
    before: tuple[int, str, date] | None = None
    for person, facility, admit, until in acute.sort("person", "until", "admit_date").select(*STAY, "until").rows():
        follows = before is not None and before[0] == person and before[1] != facility
        if not (before is not None and follows and admit <= before[2] + timedelta(days=1)):
            chain = len(chain_of)
        chain_of[person, facility, admit] = chain
        before = (person, facility, until)
    true = _as_chains([(*stay, chain) for stay, chain in chain_of.items()])
    members = found.query("select stay_id, chain_id from transfer_chain").join(held, on="stay_id")
    chain_found = {tuple(row[:3]): row[3] for row in members.select(*STAY, "chain_id").rows()}
    model = _as_chains([(*stay, chain) for stay, chain in chain_found.items()])
    moved = acute.filter(pl.col("transfer_from").is_not_null()).join(
        acute.select("stay", *(pl.col(name).alias(f"{name}_before") for name in STAY)),
        left_on="transfer_from", right_on="stay",
    )  # fmt: skip
    together = [
        (stay := tuple(row[:3])) in chain_found and chain_found[stay] == chain_found.get(tuple(row[3:]))
        for row in moved.select(*STAY, *(f"{name}_before" for name in STAY)).rows()
    ]
    return {
        **by_group(true, model, "length"),
        "planted_transfers": Quantity(
            expected=len(together), found=sum(together), missing=len(together) - sum(together), extra=0
        ),
    }


def _as_chains(members: list[tuple[int, str, date, int]]) -> pl.DataFrame:
    """One row a chain: its stays as text, and whether they are one or several."""
    frame = pl.DataFrame(members, schema=[*STAY, "chain"], orient="row")
    text = pl.concat_str("person", "facility_ccn", "admit_date", separator=" ").sort().str.join(";")
    length = pl.when(pl.len() > 1).then(pl.lit("several_stays")).otherwise(pl.lit("one_stay"))
    return frame.group_by("chain").agg(text.alias("stays"), length.alias("length")).drop("chain")


def _months(planted: Planted, found: Found, people: Persons) -> Mapping[str, Quantity]:
    """Months with somebody who pays first, by that payer's type; payer, and whether the files show what happens in them."""
    true = planted.months.join(people.of_model, on="person", how="semi").with_columns(
        payer_type=pl.col("primary").replace_strict(PAYER_TYPES),
        payer_id=pl.col("primary").replace_strict(FIRST_PAYERS),
        medical=pl.col("primary") != "advantage_elsewhere",
        is_ffs=(pl.col("primary") == "medicare") & pl.col("part_a") & pl.col("part_b"),
    )
    held = found.query("select person_id, month, payer_id, payer_type, medical, is_ffs from person_month")
    held = held.join(people.of_model, on="person_id").with_columns(
        is_ffs=pl.col("is_ffs") & (pl.col("payer_type") == "medicare")
    )
    keys = ["person", "month", "payer_type", "payer_id", "medical", "is_ffs"]
    return by_group(true.select(keys), held.select(keys), "payer_type")


def _cents(planted: Planted, found: Found, name: str) -> Mapping[str, Quantity]:
    """Cents by source, claims and fills apart, claim by claim: what is lacking and what is too much."""
    is_fill = pl.col("kind") == "pharmacy"
    kept = pl.col("superseded_by").is_null()
    fills = found.fills.filter(kept).with_columns(kind=pl.lit("pharmacy"))
    claims = found.claims.filter(kept, ~pl.col("paid_status").is_in(NO_CLAIM))
    columns = ["source", "claim", "kind", name]
    held = pl.concat([claims.select(columns), fills.select(columns)])
    payer = pl.when(is_fill).then(pl.col("source") + " pharmacy").otherwise("source").alias("payer")
    return cents_by(
        planted.services.select(payer, "source", "claim", cents=name),
        held.select(payer, "source", "claim", cents=name),
        "payer",
    )


def _combined(planted: Planted, right: pl.DataFrame, found: Found) -> Mapping[str, Quantity]:
    """What each service costs all payers together, by who pays first: the first payer's allowed, all that was paid up to it.

    Repriced claims are left out on both sides. After the last month of its eligibility files a payer's claim is of the payer's
    own type, as no file says more.
    """
    last_month = planted.months["month"].max()
    costs = found.query(COSTS)
    fills = planted.services.filter(kind="pharmacy", is_live=True)
    fills = fills.join(right.select("person").unique(), on="person", how="semi")
    payable = right.filter("is_live", pl.col("outcome") != "information_only")
    several = pl.len() > 1
    services = (
        payable.sort("service", "is_copy")
        .group_by("service", maintain_order=True)
        .agg(
            pl.col("source", "claim", "day", "payer", "allowed").first(),
            paid=pl.when(several)
            .then(pl.min_horizontal(pl.col("paid").sum(), pl.col("allowed").first()))
            .otherwise(pl.col("paid").first()),
        )
    )
    names = ["source", "claim", "day", "payer", "allowed", "paid"]
    is_after = (pl.col("day").dt.truncate("1mo") > last_month) & (pl.col("source") == "payer_b")
    payer_type = pl.when(is_after).then(pl.lit("commercial")).otherwise(pl.col("payer").replace_strict(PAYER_TYPES))
    true = pl.concat([services.select(names), fills.select(names)]).with_columns(payer_type=payer_type)
    people = right.select("person").unique()
    claim_numbers = right.select("source", "claim", "claim_id")
    fill_numbers = found.fills.join(
        planted.services.filter(kind="pharmacy").join(people, on="person", how="semi"),
        on=["source", "claim"],
        how="semi",
    ).select("source", "claim", claim_id="fill_id")
    held = pl.concat(
        costs.filter(event_kind=kind).join(numbers, on="claim_id")
        for kind, numbers in (("claim", claim_numbers), ("fill", fill_numbers))
    )
    true = true.join(held.filter("repriced"), on=["source", "claim"], how="anti")
    held = held.filter(~pl.col("repriced"))
    equals = right.select("source", "claim", pl.format("={}", "equals").alias("equals"))
    true, held = (
        frame.join(equals, on=["source", "claim"], how="left").with_columns(claim=pl.coalesce("equals", "claim"))
        for frame in (true, held)
    )
    return {
        f"{payer_type} {name}": quantity
        for name in ("allowed", "paid")
        for payer_type, quantity in cents_by(
            true.select("payer_type", "source", "claim", cents=name),
            held.select("payer_type", "source", "claim", cents=name),
            "payer_type",
        ).items()
    }


def as_result(found: Truth) -> dict[str, object]:
    return asdict(found)
