"""A measure's page: every rule leads to its SQL and its cases and back, the SQL is the file's, and nothing is fetched."""

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qe.measurement import cases, catalogue
from qe.measurement.measure import Module, load
from qe.reports.measure_page import measure_page

MODULES = {module.id: module for module in catalogue.catalogue()}


@cache
def page_of(name: str) -> str:
    """The page of a shipped module, made once for all tests."""
    return measure_page(MODULES[name])


class Page(HTMLParser):
    """ids, addresses of links, and the text of each element that has an id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" and "href" in given else []
        self.fetched += [name for name in ("src", "srcset", "action") if name in given]


def text_of(html: str) -> str:
    import html as entities

    return " ".join(
        entities.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", "", html, flags=re.S))).split()
    )


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_link_leads_somewhere_on_the_page_and_no_id_stands_twice(name: str) -> None:
    page = Page(page_of(name))
    assert [one for one, times in Counter(page.ids).items() if times > 1] == []
    assert set(page.links) <= {f"#{one}" for one in page.ids}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_rule_has_a_place_in_the_specification_with_links_to_its_sql_and_its_cases(name: str) -> None:
    module = MODULES[name]
    page = Page(page_of(name))
    rules = set(re.findall(r"\bR\d+\b", module.method))
    assert {*rules, *(f"cases-{rule}" for rule in rules)} <= set(page.ids)
    lines = {
        f"#{stem.replace(':', '-')}-{number}"
        for stem, sql in module.sql.items()
        for number, line in enumerate(sql.splitlines(), start=1)
        if rules & set(re.findall(r"\bR\d+\b", line))
    }
    worked = cases.read(module.folder / "cases.toml")
    assert lines <= set(page.links)
    assert {f"#case-{number}" for number in range(len(worked))} <= set(page.links)


def test_the_sql_on_the_page_is_that_of_the_files_line_by_line() -> None:
    import html as entities

    module = MODULES["low_value_care"]
    shown = re.findall(r'<li id="(?:\w+)-\d+" data-line="\d+">(.*?)</li>', page_of("low_value_care"), re.S)
    unlinked = [re.sub(r'<a class="to".*?</a>', "", line) for line in shown]
    told = [entities.unescape(re.sub(r"<[^>]+>", "", line)) for line in unlinked]
    assert told == [line for sql in module.sql.values() for line in sql.splitlines()]


def test_a_case_shows_what_is_given_as_written_what_is_expected_and_the_working() -> None:
    text = text_of(page_of("hwr"))
    assert "a readmission on day 31 does not count" in text
    assert "5 March + 31 days = 5 April" in text
    assert "person_id P1 months 2023-01..2025-03" in text
    assert "claim_id C2 like acute person_id P1 from_date 2024-04-05 thru_date 2024-04-08 diagnoses A419" in text
    assert "event_id C1 in_denominator true in_numerator false value 0 outcome_event_id (nothing)" in text


def test_the_page_runs_no_script_and_fetches_nothing() -> None:
    html = page_of("ahrq_pqi")
    page = Page(html)
    assert (page.tags["script"], page.tags["link"], page.fetched) == (0, 0, [])
    assert "url(" not in html and "@import" not in html


def test_the_columns_are_regions_that_a_keyboard_scrolls_and_a_screen_reader_names() -> None:
    html = page_of("hwr")
    assert '<html lang="en">' in html
    assert len(re.findall(r'<section id="\w+" tabindex="0" aria-labelledby="h-\w+">', html)) == 3
    assert re.findall(r'<a class="skip" href="#(\w+)"', html) == ["specification", "sql", "cases"]
    assert re.findall(r"<h1>", html) == ["<h1>"]


def test_the_same_module_gives_the_same_bytes() -> None:
    assert measure_page(MODULES["hwr"]) == page_of("hwr")


def test_an_unfinished_module_is_shown_with_what_it_lacks(tmp_path: Path) -> None:
    module = unfinished(tmp_path)
    text = text_of(measure_page(module))
    assert "R1: SQL population.sql 1 . Shown by no case." in text
    assert "R99: in no SQL file. Shown by no case." in text
    assert "No case is worked yet." in text
    assert "Parameters None: every run counts alike." in text


def unfinished(folder: Path) -> Module:
    """awv, begun: its rules in one paragraph, one of them in no SQL file, and no case."""
    import shutil

    copied = shutil.copytree(MODULES["awv"].folder, folder / "measures" / "awv")
    toml = (copied / "measure.toml").read_text()
    head = re.sub(r"\n\[parameters\.[^\n]*\n.*?(?=\n\[(?!parameters))", "", toml, flags=re.S)
    (copied / "measure.toml").write_text(head)
    (copied / "method.md").write_text("# To be written\n\nR1 people. R99 is not decided.\n")
    (copied / "population.sql").write_text("select person_id as event_id from person -- R1\n")
    (copied / "cases.toml").write_text("case = []\n")
    return load(copied)
