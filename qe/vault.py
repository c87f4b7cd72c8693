"""The identifier vault: names and native ids of persons, claims and units, in one encrypted file under its own key.

The vault alone is rewritten; everything else under store/ is built aside and replaced. It is never attached on a
connection where measures run: the claims model holds only the surrogate ids that this file assigns. Ids are dense
integers in the sorted order of (source_id, native id) when first seen, kept for ever, new ones appended.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from qe import store

ALIAS = "vault"

TABLES = (
    # one row per source and native person id: the linked person, and how the link was made
    """
    create table if not exists vault.person_key (
        source_id varchar, native_person_id varchar using compression uncompressed, person_id bigint, link_method varchar
    )
    """,
    # one row per source, native person id and known form of the person's identity (crosswalk version, spelling)
    """
    create table if not exists vault.identity (
        source_id varchar, native_person_id varchar, origin varchar, delivery_id varchar,
        mbi varchar, hicn varchar, ssn varchar, last_name varchar, first_name varchar, middle_name varchar,
        birth_date date, sex integer, zip5 varchar, surrogate_key varchar, crossreference_key varchar,
        valid_from date, valid_to date
    )
    """,
    # one row per source, crosswalk version and beneficiary id in it: the id the person goes by, and what showed it; kept for ever
    """
    create table if not exists vault.beneficiary_binding (
        source_id varchar, crosswalk varchar, native_person_id varchar, bound_id varchar, method varchar
    )
    """,
    # one row per source, kind of claim file and native claim id
    """
    create table if not exists vault.claim_key (
        source_id varchar, claim_kind varchar, native_claim_id varchar, claim_id bigint
    )
    """,
    "create table if not exists vault.fill_key (source_id varchar, native_fill_id varchar, fill_id bigint)",
    # one row per unit: the identifier it is known by (CCN, TIN or NPI)
    "create table if not exists vault.unit_key (id_type varchar, identifier varchar, unit_id varchar)",
    # what analysts decided on two native ids, all of it: the last decision on a pair is in force
    """
    create table if not exists vault.link_decision (
        decision_number bigint, source_id varchar, native_person_id varchar, other_source_id varchar,
        other_native_person_id varchar, decision varchar, decided_by varchar, decided_at timestamp
    )
    """,
    # the number by which a pair that was ever left to an analyst is known; kept for ever
    """
    create table if not exists vault.link_pair (
        pair_number bigint, source_id varchar, native_person_id varchar, other_source_id varchar,
        other_native_person_id varchar
    )
    """,
    # pairs that the last linkage left to an analyst, and what agrees and differs (words, no values)
    """
    create table if not exists vault.link_review (
        pair_number bigint, source_id varchar, native_person_id varchar, other_source_id varchar,
        other_native_person_id varchar, reason varchar, agrees varchar, differs varchar
    )
    """,
)

# what tables made by an earlier version lack
ADDED_COLUMNS = {
    "link_decision": {"decision_number": "bigint", "decided_by": "varchar", "decided_at": "timestamp"},
    "link_review": {"pair_number": "bigint", "agrees": "varchar", "differs": "varchar"},
}


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, path: Path, key: store.Key) -> Iterator[None]:
    """The vault at `path` as the database `vault` of a loading connection; made when it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    store.attach(connection, path, alias=ALIAS, key=key, read_only=False)
    try:
        for statement in TABLES:
            connection.execute(statement)
        for table, columns in ADDED_COLUMNS.items():
            for column, kind in columns.items():
                connection.execute(f"alter table vault.{table} add column if not exists {column} {kind}")
        yield
        connection.execute("checkpoint vault")
    finally:
        connection.execute("detach vault")


@contextmanager
def _reading(path: Path, key: store.Key, engine: store.Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    with store.open_encrypted(path, key, engine=engine, read_only=True) as connection:
        yield connection


def names(path: Path, key: store.Key, *, engine: store.Engine, person_ids: Sequence[str]) -> pl.DataFrame:
    """Who the persons are: for a data release that a provider asked for (42 CFR 401.717(c)) and for letters.

    One row per person, source and known identity, ordered by all columns: person_id, source_id, last_name, first_name,
    middle_name, birth_date, mbi. Persons without a known identity have no row.
    """
    with _reading(path, key, engine) as connection:
        result = connection.execute(
            """
            select distinct
                cast(person_key.person_id as varchar) as person_id, identity.source_id, identity.last_name,
                identity.first_name, identity.middle_name, identity.birth_date, identity.mbi
            from person_key
            join identity using (source_id, native_person_id)
            where cast(person_key.person_id as varchar) in (select unnest($person_ids))
            order by all
            """,
            {"person_ids": list(person_ids)},
        )
        frame = pl.from_arrow(result.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def native_claims(path: Path, key: store.Key, *, engine: store.Engine, claim_ids: Sequence[str]) -> pl.DataFrame:
    """The payer's own claim numbers: claim_id, source_id, claim_kind, native_claim_id, ordered by all columns.

    A superseded claim ("17-1") is known by the number of the claim that replaced it ("17").
    """
    with _reading(path, key, engine) as connection:
        result = connection.execute(
            """
            with wanted as (select distinct unnest($claim_ids) as claim_id)
            select wanted.claim_id, claim_key.source_id, claim_key.claim_kind, claim_key.native_claim_id
            from wanted
            join claim_key on cast(claim_key.claim_id as varchar) = split_part(wanted.claim_id, '-', 1)
            order by all
            """,
            {"claim_ids": list(claim_ids)},
        )
        frame = pl.from_arrow(result.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def decide(
    connection: duckdb.DuckDBPyConnection,
    *,
    source_id: str,
    native_person_id: str,
    other_source_id: str,
    other_native_person_id: str,
    decision: str,
    decided_by: str,
    decided_at: datetime,
) -> None:
    """Record an analyst's decision ("same" or "different") on two native person ids, with who and when (UTC).

    It holds from the next run on, and until a later one on the same two; none is ever deleted. The vault is attached on
    `connection`.
    """
    if decision not in ("same", "different"):
        raise ValueError("a link decision is same or different")
    connection.execute(
        """
        insert into vault.link_decision by name
        select
            (select coalesce(max(decision_number), 0) + 1 from vault.link_decision) as decision_number,
            $source_id as source_id, $native_person_id as native_person_id, $other_source_id as other_source_id,
            $other_native_person_id as other_native_person_id, $decision as decision, $decided_by as decided_by,
            $decided_at as decided_at
        """,
        {
            "source_id": source_id,
            "native_person_id": native_person_id,
            "other_source_id": other_source_id,
            "other_native_person_id": other_native_person_id,
            "decision": decision,
            "decided_by": decided_by,
            "decided_at": decided_at.replace(tzinfo=None),
        },
    )


def decisions_digest(connection: duckdb.DuckDBPyConnection) -> str:
    """A hash of the link decisions in force, for run_id and the model's key; the vault is attached on `connection`.

    The last decision on a pair is in force, whichever of the two was named first; who decided and when is no part of it.
    """
    row = connection.execute(
        """
        with made as (
            select
                least((source_id, native_person_id), (other_source_id, other_native_person_id)) as one,
                greatest((source_id, native_person_id), (other_source_id, other_native_person_id)) as other,
                decision, coalesce(decision_number, 0) as decision_number
            from vault.link_decision
        ),
        in_force as (
            select one, other, arg_max(decision, decision_number) as decision
            from made
            group by one, other
        )
        select sha256(coalesce(string_agg(
            concat_ws('|', one[1], one[2], other[1], other[2], decision), ';' order by one, other
        ), ''))
        from in_force
        """
    ).fetchone()
    assert row is not None
    return str(row[0])
