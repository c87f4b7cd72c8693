import re
from pathlib import Path

import pytest

from qe.ledger import events_page
from qe.measurement import catalogue
from qe.measurement.show import tables_text
from qe.release import agreements, gate
from qe.reports.catalogue_page import COMMAND, catalogue_page

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_no_command_that_is_not_there(page: Path):
    from qe.cli.main import app

    named = set(re.findall(r"`qe ([a-z]+)|^qe ([a-z]+)", page.read_text(encoding="utf-8"), re.M))
    known = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert {one or other for one, other in named} <= known


def test_the_reference_of_the_gate_is_what_the_gate_says():
    assert (ROOT / "docs/reference/gate.md").read_text(encoding="utf-8").endswith(gate.rules_as_text() + "\n")


def test_the_reference_of_agreements_is_the_lists_that_the_gate_asks_for():
    assert (ROOT / "docs/reference/agreements.md").read_text(encoding="utf-8").endswith(agreements.checklists_as_text())


def test_the_reference_of_tables_is_what_measures_may_read():
    assert tables_text().rstrip() in (ROOT / "docs/reference/tables.md").read_text(encoding="utf-8")


def test_the_catalogue_of_measures_is_what_the_folders_give():
    committed = (ROOT / "docs/reference/measures.md").read_text(encoding="utf-8")
    assert committed == catalogue_page(catalogue.catalogue()), f"{COMMAND} > docs/reference/measures.md"


def test_the_reference_of_events_is_what_the_schemas_say():
    committed = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
    assert committed == events_page.events_page(), f"{events_page.COMMAND} > docs/reference/events.md"


def test_decisions_have_at_most_forty_lines():
    long = [page.name for page in (ROOT / "docs/decisions").glob("*.md") if len(page.read_text().splitlines()) > 40]
    assert long == []
