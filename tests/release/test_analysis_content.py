"""The table of an analysis: the run's own figures under the protection of the public files, and whom it identifies."""

import csv
import io

import polars as pl
import pytest

from qe.errors import InputError
from qe.release.analyses.content import analysis_content
from qe.release.analyses.definition import Asked, Rows, User
from qe.release.analyses.staging import StagedAnalysis
from qe.release.artefact import RecipientKind
from tests.release.desk import RELEASE_ON, from_run, result

USER = User(party_id="acme", kind=RecipientKind.EMPLOYER, name="Acme Works", unit_id="")
G = [f"U00001{n}" for n in range(5)]
UNITS = pl.DataFrame(
    [
        (unit_id, "group", "TIN", unit_id, name, county)
        for unit_id, name, county in zip(
            G, ("Elm", "Oak Street", "Pine Street", "Birch Street", "Maple Street"),
            ("39049", "39049", "39049", "39051", "39051"), strict=True,
        )
    ],
    schema=["unit_id", "level", "id_type", "identifier", "name", "county_fips"], orient="row",
)  # fmt: skip
ROWS = [
    result("pdc_statins", "group", G[0], 100, 40, achievable_benchmark=0.8),
    result("pdc_statins", "group", G[1], 200, 100, achievable_benchmark=0.8),
    result("pdc_statins", "group", G[2], 300, 240, achievable_benchmark=0.8),
    result("pdc_statins", "group", G[3], 100, 50, achievable_benchmark=0.8),
    result("pdc_statins", "group", G[4], 100, 95, achievable_benchmark=0.8),  # 5 without: hidden
]


def pairs_of(solo: dict[str, str] | None) -> list[tuple[str, str]]:
    return list((solo or {}).items())


def content(
    rows: Rows = "units",
    *,
    areas: tuple[str, ...] = (),
    units: tuple[str, ...] = (),
    solo: dict[str, str] | None = None,
) -> StagedAnalysis:
    asked = Asked(
        analysis_id="a-1", kind="npa_deid", run_id="a" * 16, party_id="acme", topic="Statins", purpose="health_insurance",
        measures=("pdc_statins",), levels=(), areas=areas, units=frozenset(units), rows=rows, fee_dollars=0,
        release_on=RELEASE_ON,
    )  # fmt: skip
    pairs = {one: frozenset({other}) for one, other in [*pairs_of(solo), *((b, a) for a, b in pairs_of(solo))]}
    return analysis_content(asked, USER, from_run(ROWS, UNITS, pairs))


def table(staged: StagedAnalysis) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(staged.files["results.csv"].decode())))


def test_a_small_cell_is_hidden_as_in_public_files_and_its_row_still_names() -> None:
    staged = content()
    shown = {row["public_id"]: (row["rate"], row["note_code"]) for row in table(staged)}
    assert shown == {
        G[0]: ("0.4", ""), G[1]: ("0.5", ""), G[2]: ("0.8", ""), G[3]: ("0.5", ""), G[4]: ("", "small_cell"),
    }  # fmt: skip
    assert (staged.cells_hidden, staged.findings) == (1, 0)
    assert set(staged.identified) == set(G)


def test_pooled_rows_of_three_name_nobody_and_of_one_name_it() -> None:
    staged = content("areas")
    pooled = {row["group"]: (row["providers"], row["denominator"], row["rate"]) for row in table(staged)}
    # 39049: (40 + 100 + 240) / 600 = 0.6333; 39051: the hidden one is not pooled, so that nothing of it can be subtracted
    assert pooled == {"39049": ("3", "600", "0.633"), "39051": ("1", "100", "0.5")}
    assert staged.identified == {G[3]: ("few",)}
    assert content("areas", areas=("39049",)).identified == {}


def test_a_solo_clinician_of_a_named_group_is_identified_and_gets_the_groups_rows() -> None:
    staged = content(units=(G[0],), solo={G[0]: "U000099"})
    assert staged.identified == {G[0]: ("named", "text"), "U000099": ("solo",)}  # its id stands in the table as well
    assert [row["rate"] for row in staged.own["U000099"]] == ["0.4"]
    assert "provider_name" not in staged.own["U000099"][0]


def test_a_benchmark_that_two_peers_set_identifies_both_and_stands_in_no_extract() -> None:
    two = [{**row, "peer_group": "few"} if row["provider_id"] in G[:2] else row for row in ROWS]
    asked = Asked(
        analysis_id="a-1", kind="npa_deid", run_id="a" * 16, party_id="acme", topic="Statins", purpose="health_insurance",
        measures=("pdc_statins",), levels=(), areas=(), units=frozenset({G[0]}), rows="units", fee_dollars=0,
        release_on=RELEASE_ON,
    )  # fmt: skip
    staged = analysis_content(asked, USER, from_run(two, UNITS))
    assert "few" in staged.identified[G[1]]
    assert staged.own[G[0]][0]["benchmark"] == ""


def test_a_topic_that_names_a_provider_identifies_it() -> None:
    asked = Asked(
        analysis_id="a-1", kind="npa_deid", run_id="a" * 16, party_id="acme", topic="Near Maple Street",
        purpose="health_insurance", measures=("pdc_statins",), levels=(), areas=("39049",), units=frozenset(),
        rows="areas", fee_dollars=0, release_on=RELEASE_ON,
    )  # fmt: skip
    assert analysis_content(asked, USER, from_run(ROWS, UNITS)).identified == {G[4]: ("text",)}


def test_the_areas_are_those_asked_for_or_the_counties_of_the_rows() -> None:
    assert content().areas == ("39049", "39051")
    assert content(areas=("OH",)).areas == ("OH",)


def test_the_same_analysis_is_the_same_bytes() -> None:
    assert content().sha256 == content().sha256 != content("areas").sha256


def test_nothing_of_what_is_asked_is_an_error() -> None:
    with pytest.raises(InputError, match="no result"):
        content(areas=("NY",))
