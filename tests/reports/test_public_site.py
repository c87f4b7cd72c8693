"""The public site and data: nothing hidden leaks, no tax number anywhere, pages that hold together."""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pikepdf
import pytest

from qe.disclosure.results import ConfidentialResult, PublicRelease
from qe.reports.facts import ReportFacts
from qe.reports.public_site import build_site, posting_page

COLUMNS = (
    "measure_id,measure_name,level,public_id,provider_name,peer_group,area,period_start,period_end,denominator,rate,"
    "ci_low,ci_high,expected,ratio,benchmark,category,note_code"
)
POSTING = [("Example Group 4", "missed_exclusion")]
HIDDEN_COLUMNS = ("denominator", "rate", "ci_low", "ci_high", "expected", "ratio")


class Outline(HTMLParser):
    """Ids, headings, links, landmarks and unclosed tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
            if tag == "html" and name == "lang":
                self.lang = value
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def outline(page: bytes) -> Outline:
    found = Outline()
    found.feed(page.decode("utf-8"))
    return found


@pytest.fixture(scope="module")
def files(public: PublicRelease, facts: ReportFacts) -> dict[str, bytes]:
    return build_site(public, facts, published_on=date(2026, 6, 1), posting=POSTING)


@pytest.fixture(scope="module")
def html(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.endswith(".html")}


def rows(files: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files["data/results.csv"].decode("utf-8"))))


def test_the_release_holds_the_pages_and_data_files_of_the_contract(files: dict[str, bytes]) -> None:
    assert {name for name in files if not name.startswith("site/providers/")} == {
        "site/index.html", "site/compare.html", "site/methods.html", "site/open-requests.html", "site/404.html",
        "site/style.css", "site/table.js",
        "site/measures/hwr.html", "site/measures/pdc_statins.html", "site/measures/total_cost_index.html",
        "report.pdf", "data/results.csv", "data/results.json", "data/data_dictionary.csv", "data/datapackage.json",
    }  # fmt: skip
    assert len([name for name in files if name.startswith("site/providers/")]) == 16  # 12 groups and 4 hospitals


def test_no_tax_number_stands_in_any_public_byte_or_name(
    files: dict[str, bytes], previews: list[ConfidentialResult]
) -> None:
    numbers = {one.provider.identifier for one in previews if one.provider.id_type == "TIN"}
    assert len(numbers) == 12
    for name, content in files.items():
        for number in numbers:
            assert number not in name
            assert number.encode() not in content
            assert f"••••{number[-4:]}".encode() not in content


def test_results_csv_has_exactly_the_columns_of_the_contract(files: dict[str, bytes]) -> None:
    assert files["data/results.csv"].decode("utf-8").splitlines()[0] == COLUMNS


def test_hidden_rows_are_empty_in_csv_and_json_with_a_code_that_the_dictionary_explains(
    files: dict[str, bytes],
) -> None:
    table = rows(files)
    hidden = [row for row in table if row["note_code"]]
    assert len(hidden) == 5  # two measures of U000002 and of U000003, the hospital with three stays
    assert all(row[column] == "" for row in hidden for column in HIDDEN_COLUMNS)
    as_json = [row for row in json.loads(files["data/results.json"]) if row["note_code"]]
    assert len(as_json) == 5
    assert all(row[column] is None for row in as_json for column in HIDDEN_COLUMNS)
    dictionary = files["data/data_dictionary.csv"].decode("utf-8")
    assert all(f"note_code = {row['note_code']}," in dictionary for row in hidden)
    assert all(f"\n{column}," in dictionary for column in COLUMNS.split(","))


def test_pages_show_hidden_figures_as_one_neutral_mark_and_say_why(html: dict[str, bytes]) -> None:
    page = html["site/providers/u000003.html"].decode("utf-8")
    assert "Not shown, so that no small number of persons can be told." in page
    assert "<details>" not in page  # no figures of this group at all
    cells = re.findall(
        r'<th scope="row"><a href="providers/u000003.html">.*?</tr>', html["site/compare.html"].decode(), re.S
    )
    assert len(cells) == 2
    assert all('<td class="n">*</td>' in cell for cell in cells)
    assert not any(b"&lt;11" in content or b"<11" in content for content in html.values())


def test_changing_a_hidden_figure_changes_no_public_byte(
    files: dict[str, bytes], public: PublicRelease, facts: ReportFacts
) -> None:
    """The rows come hidden; what remains of them must not depend on anything but the code."""
    same = PublicRelease(
        results=tuple(replace(row) for row in public.results), findings=(), cells_checked=99, cells_hidden=99
    )
    again = build_site(same, facts, published_on=date(2026, 6, 1), posting=POSTING)
    assert again == files


def test_every_page_has_language_title_landmarks_a_skip_link_and_headings_in_order(html: dict[str, bytes]) -> None:
    for name, content in html.items():
        found = outline(content)
        assert found.lang == "en", name
        assert [found.tags[tag] for tag in ("title", "main", "header", "footer", "nav", "h1")] == [1] * 6, name
        assert "#main" in found.links and "main" in found.ids, name
        assert found.headings[0] == 1, name
        steps = [after - before for before, after in zip(found.headings, found.headings[1:], strict=False)]
        assert all(step <= 1 for step in steps), (name, found.headings)
        assert found.tags["caption"] == found.tags["table"], name


def test_no_page_has_an_id_twice(html: dict[str, bytes]) -> None:
    for name, content in html.items():
        ids = outline(content).ids
        assert len(ids) == len(set(ids)), name


def test_every_link_leads_to_a_file_of_the_release_and_none_to_another_host(
    html: dict[str, bytes], files: dict[str, bytes]
) -> None:
    for name, content in html.items():
        for link in outline(content).links:
            if link.startswith("#"):
                continue
            assert ":" not in link and not link.startswith("//"), (name, link)
            parts: list[str] = []
            for part in (PurePosixPath(name).parent / link).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            assert "/".join(parts) in files, (name, link)


def test_open_requests_are_posted_by_name_and_category(html: dict[str, bytes]) -> None:
    page = html["site/open-requests.html"].decode("utf-8")
    assert re.search(r"Example Group 4</th><td>missed exclusion</td>", page)


def test_an_amended_posting_is_the_same_page_with_its_day_and_that_of_the_table_before(
    html: dict[str, bytes], facts: ReportFacts
) -> None:
    page = posting_page(
        facts, published_on=date(2026, 6, 1), posting=[("Example Group 9", "calculation")], not_posted=[("order", 2)],
        amended_on=date(2026, 6, 9), supersedes=date(2026, 6, 1),
    ).decode("utf-8")  # fmt: skip
    first = html["site/open-requests.html"].decode("utf-8")
    assert page.partition("<main")[0] == first.partition("<main")[0]
    assert page.partition("</main>")[2] == first.partition("</main>")[2]
    assert "Amended on 9 Jun 2026: this table takes the place of the one of 1 Jun 2026." in page
    assert re.search(r"Example Group 9</th><td>calculation</td>", page) and "Example Group 4" not in page
    assert "2 requests are open and not posted: an authority ordered it." in page
    emptied = posting_page(
        facts, published_on=date(2026, 6, 1), posting=[], not_posted=[], amended_on=date(2026, 6, 9),
        supersedes=date(2026, 6, 1),
    ).decode("utf-8")  # fmt: skip
    assert "No such request is open any more." in emptied


def test_pages_say_attribution_risk_adjustment_and_settings_in_words(
    html: dict[str, bytes], public: PublicRelease, facts: ReportFacts
) -> None:
    measure = html["site/measures/hwr.html"].decode("utf-8")
    assert "Attribution: A stay is credited to the hospital that discharged the person" in measure
    assert "Risk adjustment: a logistic model of the outcome, with age as a curve, sex, payer, comorbidities" in measure
    bare = replace(facts, measures=tuple(replace(one, method="Nothing.") for one in facts.measures))
    for name, content in build_site(public, bare, published_on=date(2026, 6, 1), posting=POSTING).items():
        if name.endswith(".html"):
            page = content.decode("utf-8").partition("<main")[2]
            page = re.sub(r"<details><summary>Settings by their keys.*?</details>|<dl>.*?</dl>", "", page, flags=re.S)
            assert not re.findall(r"\w*[a-z0-9]_[a-z0-9]\w*|\w+\|\w+", re.sub(r"<[^>]*>", " ", page)), name


def test_every_page_of_a_rehearsal_says_so_and_of_a_real_site_does_not(
    html: dict[str, bytes], public: PublicRelease, facts: ReportFacts
) -> None:
    assert all(b"REHEARSAL" in content for content in html.values())
    real = build_site(public, replace(facts, rehearsal=False), published_on=date(2026, 6, 1), posting=[])
    assert not any(b"REHEARSAL" in content for name, content in real.items() if name.endswith(".html"))


def test_the_public_pdf_is_tagged_with_title_and_language(files: dict[str, bytes]) -> None:
    with pikepdf.open(io.BytesIO(files["report.pdf"])) as document:
        assert bool(document.Root.MarkInfo.Marked)
        assert str(document.Root.Lang) == "en"
        assert str(document.docinfo["/Title"]) == "Public performance report 2025Q4"


def test_a_name_that_a_spreadsheet_would_run_as_a_formula_is_quoted(public: PublicRelease, facts: ReportFacts) -> None:
    odd = replace(public.results[0], provider_name='=HYPERLINK("x")')
    built = build_site(replace(public, results=(odd,)), facts, published_on=date(2026, 6, 1), posting=[])
    assert rows(built)[0]["provider_name"] == '\'=HYPERLINK("x")'


def test_a_release_in_which_every_row_is_hidden_still_has_all_its_pages(
    public: PublicRelease, facts: ReportFacts
) -> None:
    hidden = tuple(row for row in public.results if row.note_code)
    built = build_site(replace(public, results=hidden), facts, published_on=date(2026, 6, 1), posting=[])
    assert len([name for name in built if name.startswith("site/providers/")]) == 3
    assert "No request was open at release." in built["site/open-requests.html"].decode("utf-8")


def test_templates_calculate_nothing_and_set_no_defaults() -> None:
    folder = Path(__file__).parents[2] / "templates"
    for file in sorted(folder.rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", file.read_text(encoding="utf-8"), flags=re.S)
        for code in re.findall(r"\{[{%](.*?)[%}]\}", text, re.S):
            bare = re.sub(r'"[^"]*"', "", code)
            assert "default" not in bare, (file.name, code)
            assert not re.search(r"[<>*/]|\d\s*[+-]|[+-]\s*\d|\|\s*(round|safe|sum)\b", bare.strip("-+ ")), (
                file.name,
                code,
            )
