"""The confidential report: what stands on its pages, that it is tagged, and that it is the same bytes every time."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest

from qe.disclosure.results import ConfidentialResult
from qe.progress import Silent
from qe.reports import pages
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.methods import methods_view
from qe.reports.render import RenderedReport, render_confidential, result_sha256
from qe.reports.views import report_view


def rendered(
    previews: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, out: Path, processes: int = 1
) -> list[RenderedReport]:
    units = [preview.provider.unit_id for preview in previews]
    return render_confidential(
        previews,
        facts,
        sent_on=dates.sent_on,
        dates=dict.fromkeys(units, dates),
        zones=dict.fromkeys(units, "America/Chicago"),
        out=out,
        processes=processes,
        progress=Silent(),
    )


@pytest.fixture(scope="module")
def few(previews: list[ConfidentialResult]) -> list[ConfidentialResult]:
    """A long name, a group with nobody attributed, a hospital, a hospital with three stays."""
    wanted = {"U000001", "U000002", "U000101", "U000104"}
    return [preview for preview in previews if preview.provider.unit_id in wanted]


@pytest.fixture(scope="module")
def folder(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("reports")
    rendered(few, facts, dates, out)
    return out


def page(preview: ConfidentialResult, facts: ReportFacts, dates: ReviewDates) -> str:
    return pages.html(pages.CONFIDENTIAL, report=report_view(preview, facts, dates))


def companion(facts: ReportFacts, dates: ReviewDates) -> str:
    return pages.html(pages.METHODS, methods=methods_view(facts, dates.sent_on))


def text_of(pdf: Path) -> list[str]:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler) is not installed")
    written = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, text=True).stdout
    return written.split("\f")[:-1]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_page_1_gives_the_three_dates_and_that_requests_do_not_hold_up_publication(folder: Path) -> None:
    first = flat(text_of(folder / "group-2025Q4-1-U000001.pdf")[0])
    for words in (
        "1 Apr 2026",  # day 0
        "31 May 2026",  # 1 April + 60 days
        "Day 60, 11:59 pm Central",
        "Results become public after 31 May 2026, on",
        "1 Jun 2026",  # day 61
        "Whatever the status of open requests",
    ):
        assert words in first


def test_page_2_says_how_to_ask_and_what_is_published_if_a_request_is_still_open(folder: Path) -> None:
    second = flat(text_of(folder / "group-2025Q4-1-U000001.pdf")[1])
    assert "Results become public on 1 Jun 2026 whatever the status of your request" in second
    assert "your name and the category of the request are posted" in second
    assert "review@prairie-health.example" in second
    for subject in ("calculation", "attribution", "roster", "exclusions"):
        assert subject in second
    assert "corrected by the payer that paid it" in second


def test_every_page_is_marked_confidential_with_report_and_run_and_as_a_rehearsal(folder: Path) -> None:
    for report in sorted(folder.glob("*.pdf")):
        for text in text_of(report):
            assert "CONFIDENTIAL: provider preview, not for public release" in text
            name = (
                "Measures and methods 2025Q4-1"
                if report.stem == "methods"
                else f"Report {report.stem.partition('-')[2]}"
            )
            assert f"{name} · run 7f3a91c2" in text
            assert "REHEARSAL — synthetic data" in text


def test_a_real_site_has_no_rehearsal_mark(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    assert "REHEARSAL" not in page(few[0], replace(facts, rehearsal=False), dates)


def as_printed(row: dict[str, str]) -> list[str]:
    """The figures of a CSV row as the exhibit prints them: counts whole, shares in percent, ratios with two places."""
    money = row["measure_id"] == "total_cost_index"
    percent = [float(row["observed"])] if not money else []
    ratios = [float(row[name]) for name in ("reliability",)]
    peers = [float(row[name]) for name in ("peer_p25", "peer_median", "peer_p75")]
    ends = [float(row[name]) for name in ("ci_low", "ci_high")]
    if row["ratio"]:
        ratios += [float(row["ratio"]), *peers, *ends]
    else:
        percent += peers
    shown = [f"{float(row['denominator']):,.0f}", f"{float(row['excluded']):,.0f}", f"{float(row['numerator']):,.0f}"]
    shown += [f"{value * 100:.1f}%" for value in percent]
    return shown + [f"{value:.2f}" for value in ratios]


def test_the_pages_hold_every_figure_of_the_reports_own_csv(folder: Path) -> None:
    for stem in ("group-2025Q4-1-U000001", "facility-2025Q4-1-U000101"):
        text = "\n".join(text_of(folder / f"{stem}.pdf"))
        with (folder / f"{stem}.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["payer_scope"] == "all"]
        assert rows
        for row in rows:
            for figure in as_printed(row):
                assert figure in text, (row["measure_id"], figure)


def test_the_pdf_is_tagged_with_title_language_bookmarks_and_an_alternative_text_for_every_figure(folder: Path) -> None:
    with pikepdf.open(folder / "group-2025Q4-1-U000001.pdf") as document:
        assert bool(document.Root.MarkInfo.Marked)
        assert str(document.Root.Lang) == "en"
        assert str(document.docinfo["/Title"]).startswith("Confidential performance report: Northfield")
        with document.open_outline() as outline:
            assert "Your review" in str([item.children for item in outline.root])
        elements = [one for one in document.objects if isinstance(one, pikepdf.Dictionary) and "/S" in one]
        shown = [one for one in elements if pikepdf.Name.Figure == one.S]
        heads = [one for one in elements if one.S == pikepdf.Name.TH]
        assert shown and all(str(one.Alt) for one in shown)
        assert heads and {str(one.A.Scope) for one in heads} == {"/Column", "/Row"}


def test_every_mark_says_its_facts_in_words(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    for preview in few:
        for svg in re.findall(r"<svg.*?</svg>", page(preview, facts, dates), re.S):
            assert re.search(r"<title>[^<]+</title>", svg)
    said = page(few[0], facts, dates)
    assert "your result 53.8%, 95% interval 48.4–59.2" in said  # 114 / 212


@pytest.mark.parametrize("stem", ["group-2025Q4-1-U000001", "facility-2025Q4-1-U000104", "methods"])
def test_a_checker_of_pdf_ua_finds_nothing(folder: Path, stem: str) -> None:
    """pdfua checks 16 rules of 106; exit code 0 is "no findings"."""
    done = subprocess.run(
        [sys.executable, "-m", "pdfua", "check", str(folder / f"{stem}.pdf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_group_sees_of_its_tax_number_only_the_last_four_digits(folder: Path) -> None:
    text = "".join(text_of(folder / "group-2025Q4-1-U000001.pdf"))
    assert "••••0001" in text
    assert "987650001" not in text
    assert "98765" not in (folder / "reports.json").read_text(encoding="utf-8")


def test_hidden_figures_are_one_neutral_mark(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    said = page(few[0], facts, dates)  # total cost, other payers: 300,000.75 for 572 member months
    assert "300,001" not in said and "$524" not in said  # 300,000.75 / 572
    assert 'Other payers</th><td class="n">*</td>' in said


def test_a_group_without_cases_gets_a_report_that_says_so(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    said = page(few[1], facts, dates)
    assert "No person was attributed to you in this period." in said
    assert "No event of yours was left out of this measure." in said
    assert "7 persons, too few to compare." in said
    assert "– Too few cases" in said
    assert not re.search(r"\b(None|nan)\b", said)


def test_steps_of_attribution_are_worded_by_the_measures_own_rule(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    group, hospital = page(few[0], facts, dates), page(few[2], facts, dates)
    assert "<td>step 2: primary care services by a specialist</td>" in group
    assert "<td>discharged by this hospital</td>" in hospital
    assert "primary care" not in re.sub(r"<h2>Methods.*", "", hospital, flags=re.S)


CODE = re.compile(r"\w*[a-z0-9]_[a-z0-9]\w*|[a-z]\w*:[A-Za-z]\w*|\w+'\d|\w+\|\w+")


def visible(page: str) -> str:
    """The text of a page with the titles of its marks."""
    return re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])


def test_codes_stand_in_the_provenance_part_of_the_companion_alone(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    """The rules of a method are its folder's own text, so they are left out here."""
    bare = replace(facts, measures=tuple(replace(measure, method="Nothing.") for measure in facts.measures))
    for preview in few:
        assert not CODE.findall(visible(page(preview, bare, dates)))
    words, _, provenance = visible(companion(bare, dates)).partition("Provenance")
    assert not CODE.findall(words)
    for code in ("hwr", "index_facility, retrospective", "unverified:R4", "linkage.passes = mbi, name_dob_sex"):
        assert code in provenance


def test_the_companion_tells_every_model_in_words_and_a_report_how_well_its_own_fit(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    said = companion(facts, dates)
    assert "<caption>Unplanned readmission within 30 days: its model</caption>" in said
    for name, figure in (
        ("Age: bend of the curve at 25 years", "-0.5507"),
        ("Comorbidity: heart failure", "0.6471"),
        ("Kind of stay: less frequent ones together", "0.0208"),
        ("Cases in the model", "10,440"),
        ("The model converged", "yes"),
        ("Observed / expected before scaling: Medicare Advantage, 85 years and over", "0.84"),
    ):
        assert f'<th scope="row">{name}</th><td class="n">{figure}</td>' in said
    assert "left out, reference level" not in said
    for whom in ("persons covered for at least 9 months of the year before", "fit of its models together"):
        assert f"<caption>Total cost of care index: {whom}</caption>" in said
    hospital, group = page(few[2], facts, dates), page(few[0], facts, dates)
    fit = '<th scope="row">Cases in the model</th><td class="n">10,440</td>'
    assert fit in hospital and fit not in group
    assert "<caption>How well the model fits. Unplanned readmission within 30 days: its model</caption>" in hospital
    assert "Comorbidity" not in hospital and "85 years and over" not in hospital


def test_the_companion_holds_the_rules_of_every_measure_and_nothing_of_any_provider(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, folder: Path
) -> None:
    said = companion(facts, dates)
    for measure in facts.measures:
        assert f"<h3>{measure.name}, version {measure.version}</h3>" in said
    for preview in few:
        assert preview.provider.name not in said and preview.provider.unit_id not in said
    listed = json.loads((folder / "reports.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / "methods.pdf").read_bytes()).hexdigest()
    assert {(entry["methods"], entry["methods_sha256"]) for entry in listed} == {("methods.pdf", digest)}


def test_without_a_risk_adjusted_measure_the_companion_says_so(facts: ReportFacts, dates: ReviewDates) -> None:
    assert "No measure of this cycle is risk-adjusted." in companion(replace(facts, model=()), dates)


def test_how_a_measure_departs_from_its_specification_is_told_in_the_measure_list(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    said = page(few[2], facts, dates)
    assert "Alternative measure (42 CFR 401.715(b)); how it departs from its specification" in said
    assert "Its risk model is its own, not that of the specification. Rules R4 and R7 have not yet been checked" in said
    assert "<td>No departure is known.</td>" in said  # of the standard measure


def test_no_word_of_the_measure_list_is_broken(folder: Path, facts: ReportFacts) -> None:
    pages_of = text_of(folder / "facility-2025Q4-1-U000101.pdf")
    listed = next(flat(text) for text in pages_of if "Measures of this cycle" in text)
    for measure in facts.measures:
        for word in f"{measure.name} {measure.steward}".split():
            assert word in listed


def test_the_same_reports_are_the_same_bytes_from_one_process_or_two(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, folder: Path, tmp_path: Path
) -> None:
    rendered(list(reversed(few)), facts, dates, tmp_path, processes=2)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(one.name for one in folder.iterdir())
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_whole_reports_are_kept_and_damaged_ones_are_rendered_again(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, tmp_path: Path
) -> None:
    one, two = few[2], few[3]
    rendered([one, two], facts, dates, tmp_path)
    kept, damaged = tmp_path / "facility-2025Q4-1-U000101.pdf", tmp_path / "facility-2025Q4-1-U000104.pdf"
    before, whole = kept.stat().st_ino, damaged.read_bytes()
    damaged.write_bytes(b"%PDF cut")
    rendered([one, two], facts, dates, tmp_path)
    assert kept.stat().st_ino == before  # the file was not written again
    assert damaged.read_bytes() == whole
    assert not [file.name for file in tmp_path.iterdir() if file.suffix not in (".pdf", ".csv", ".json")]


def test_a_run_without_a_provider_lists_no_report_and_encloses_nothing(
    facts: ReportFacts, dates: ReviewDates, tmp_path: Path
) -> None:
    assert rendered([], facts, dates, tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == ["reports.json"]
    assert json.loads((tmp_path / "reports.json").read_text(encoding="utf-8")) == []


class Interrupts(Silent):
    """Ctrl-C after the companion and the first report."""

    done = 0

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if self.done == 2:
            raise KeyboardInterrupt


def test_an_interrupted_rendering_goes_on_where_it_stopped(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates, folder: Path, tmp_path: Path
) -> None:
    hospitals = few[2:]
    units = [preview.provider.unit_id for preview in hospitals]
    with pytest.raises(KeyboardInterrupt):
        render_confidential(
            hospitals,
            facts,
            sent_on=dates.sent_on,
            dates=dict.fromkeys(units, dates),
            zones=dict.fromkeys(units, "America/Chicago"),
            out=tmp_path,
            processes=1,
            progress=Interrupts(),
        )
    first = tmp_path / "facility-2025Q4-1-U000101.pdf"
    written = [first, tmp_path / "methods.pdf"]
    assert sorted(tmp_path.glob("*.pdf")) == written
    before = [file.stat().st_ino for file in written]
    rendered(hospitals, facts, dates, tmp_path)
    assert [file.stat().st_ino for file in written] == before  # kept, not written again
    assert len(list(tmp_path.iterdir())) == 6  # two PDFs, two CSVs, methods.pdf, reports.json
    assert first.read_bytes() == (folder / first.name).read_bytes()


def test_what_a_worker_loads_imports_neither_polars_nor_duckdb() -> None:
    loaded = "import sys, qe.reports.pages, qe.reports.views; print({'polars', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_list_of_reports_holds_the_digests_of_the_files_and_no_name(
    few: list[ConfidentialResult], folder: Path
) -> None:
    text = (folder / "reports.json").read_text(encoding="utf-8")
    listed = json.loads(text)
    assert [entry["unit_id"] for entry in listed] == ["U000001", "U000002", "U000101", "U000104"]
    for entry, preview in zip(listed, few, strict=True):
        assert entry["pdf_sha256"] == hashlib.sha256((folder / entry["pdf"]).read_bytes()).hexdigest()
        assert entry["csv_sha256"] == hashlib.sha256((folder / entry["csv"]).read_bytes()).hexdigest()
        assert entry["result_sha256"] == result_sha256(preview)
        assert entry["report_id"] == f"2025Q4-1-{entry['unit_id']}"
        assert (entry["sent_on"], entry["last_request_day"], entry["public_from"]) == (
            "2026-04-01", "2026-05-31", "2026-06-01",
        )  # fmt: skip
        assert preview.provider.name not in text


def test_a_name_with_markup_is_printed_as_text_and_fetches_nothing(
    few: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    name = '<img src="file:///etc/passwd"> "A" & Sons'
    odd = replace(few[2], provider=replace(few[2].provider, name=name))
    said = page(odd, facts, dates)
    assert "<img" not in said
    assert "&lt;img src=" in said


def test_a_page_fetches_no_file_but_those_of_the_templates(tmp_path: Path) -> None:
    outside = tmp_path / "secret.css"
    outside.write_text("p { color: red }")
    for address in (outside.as_uri(), "https://example.org/a.css", "data:text/css,p{}"):
        with pytest.raises(ValueError, match="nothing from outside"):
            pages._fetch(address)
