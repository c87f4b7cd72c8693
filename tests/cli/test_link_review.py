"""`qe link review` as a person types it: the queue without names, decisions with who and when."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qe import store, vault
from qe.claims.load import vault_path
from qe.cli import link as link_commands
from qe.site import Site, open_site
from tests.cli.test_review_release_ledger_record import SETTINGS, Say

PAIRS = (
    (1, "payer_a", "M1", "medicare", "B1", "name_zip_sex_near_dob", "last name, first name, sex, ZIP", "birth date"),
    (2, "payer_a", "M2", "medicare", "B2", "contrary_middle_initial", "last name, birth date", "middle initial"),
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose last linkage left two pairs to an analyst."""
    monkeypatch.setenv("QE_KEY", store.new_key().hex_digits)
    monkeypatch.setenv("QE_VAULT_KEY", store.new_key().hex_digits)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "qe.toml").write_text(SETTINGS)
    site = open_site(tmp_path / "site")
    with opened(site) as connection:
        for number, *who, reason, agrees, differs in PAIRS:
            connection.execute("insert into vault.link_pair values ($1, $2, $3, $4, $5)", [number, *who])
            connection.execute(
                "insert into vault.link_review by name select $1 as pair_number, $2 as source_id, $3 as native_person_id, "
                "$4 as other_source_id, $5 as other_native_person_id, $6 as reason, $7 as agrees, $8 as differs",
                [number, *who, reason, agrees, differs],
            )
        connection.execute(
            "insert into vault.identity (source_id, native_person_id, last_name, first_name) values "
            "('payer_a', 'M1', 'Okafor', 'Ada'), ('medicare', 'B1', 'Okafor', 'Ada'), ('medicare', 'B1', 'Okafor', 'Adah')"
        )
    return site


class opened:
    """The vault of a site, as `vault` on a connection of its own."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __enter__(self) -> Any:
        self.connection = store.connect(self.site.engine())
        self.inside = vault.attached(self.connection, vault_path(self.site), self.site.vault_key())
        self.inside.__enter__()
        return self.connection

    def __exit__(self, *error: Any) -> None:
        self.inside.__exit__(*error)
        self.connection.close()


def run_text(site: Site, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(link_commands.app, [*words, "--site", str(site.root)])
    return result.exit_code, result.output


def run_json(site: Site, *words: str) -> tuple[int, dict[str, Any]]:
    code, text = run_text(site, *words, "--json")
    answer: dict[str, Any] = json.loads(text)
    assert answer["exit_code"] == code
    return code, answer


@pytest.fixture
def say(site: Site) -> Iterator[Say]:
    yield partial(run_json, site)


def test_the_list_says_why_and_what_differs_and_shows_neither_name_nor_identifier(site: Site, say: Say) -> None:
    code, answer = say("review", "list")
    assert code == 0
    assert answer["data"]["pairs"][0] == {
        "pair_number": 1,
        "source_id": "payer_a",
        "other_source_id": "medicare",
        "reason": "name_zip_sex_near_dob",
        "agrees": "last name, first name, sex, ZIP",
        "differs": "birth date",
    }
    _, text = run_text(site, "review", "list")
    assert not [word for word in ("Okafor", "Ada", "M1", "B1") if word in text + json.dumps(answer)]


def test_a_decision_is_recorded_with_who_and_leaves_the_queue(say: Say) -> None:
    assert say("review", "accept", "1", "--actor", "ana")[1]["data"]["recorded"] is True
    assert say("review", "reject", "2", "--actor", "ana")[1]["data"]["pairs"] == [2]
    assert say("review", "list")[1]["data"]["pairs"] == []
    made = say("review", "list", "--decided")[1]["data"]["decisions"]
    assert [(one["pair_number"], one["decision"], one["decided_by"], one["is_in_force"]) for one in made] == [
        (1, "same", "ana", True),
        (2, "different", "ana", True),
    ]
    assert all(one["decided_at"].endswith("Z") for one in made)


def test_the_same_decision_again_records_nothing_and_the_other_one_takes_its_place(say: Say) -> None:
    say("review", "accept", "1", "--actor", "ana")
    assert say("review", "accept", "1", "--actor", "ana")[1]["data"] == {
        "decision": "same",
        "pairs": [],
        "recorded": False,
    }
    assert say("review", "reject", "1", "--actor", "ana")[1]["data"]["recorded"] is True
    made = say("review", "list", "--decided")[1]["data"]["decisions"]
    assert [(one["decision"], one["is_in_force"]) for one in made] == [("same", False), ("different", True)]


def test_a_dry_run_and_an_unknown_number_record_nothing(say: Say) -> None:
    assert say("review", "accept", "1", "2", "--dry-run")[1]["data"]["recorded"] is False
    code, answer = say("review", "accept", "1", "9")
    assert code == 2 and "has the number 9" in answer["faults"][0]["message"]
    assert len(say("review", "list")[1]["data"]["pairs"]) == 2


def test_names_go_only_to_a_new_file_outside_the_site_that_its_owner_alone_may_read(
    site: Site, say: Say, tmp_path: Path
) -> None:
    assert say("review", "list", "--out", str(site.root / "pairs.csv"))[0] == 3
    path = tmp_path / "pairs.csv"
    assert say("review", "list", "--out", str(path))[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    first, one, other, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("pair_number,side,source_id,native_person_id,last_name,first_name")
    assert one.startswith("1,1,payer_a,M1,Okafor,Ada,")
    assert other.startswith("1,2,medicare,B1,Okafor,Ada / Adah,")
    assert say("review", "list", "--out", str(path))[0] == 2


def test_before_the_first_run_there_is_no_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QE_VAULT_KEY", store.new_key().hex_digits)
    (tmp_path / "qe.toml").write_text(SETTINGS)
    code, answer = run_json(open_site(tmp_path), "review", "list")
    assert code == 2 and "no persons have been linked" in answer["faults"][0]["message"]
