"""From figures to pixels and words."""

import pytest

from qe.reports import figures, markdown, wording


def test_an_axis_runs_between_round_numbers_and_holds_all_values() -> None:
    axis = figures.axis_over([0.53, 0.77, None])
    assert (axis.low, round(axis.high, 9)) == (0.5, 0.8)  # steps of 0.05: (0.77 - 0.53) / 5 = 0.048
    assert [value for _, value in axis.ticks] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8]


def test_the_middle_of_an_axis_is_the_middle_of_the_plot_and_ends_keep_room_for_labels() -> None:
    axis = figures.axis_over([0.0, 1.0])
    assert (axis.x(0.0), axis.x(0.5), axis.x(1.0)) == (16.0, 125.0, 234.0)  # 16 px padding of 250 px
    assert axis.x(7.0) == 234.0  # held inside


@pytest.mark.parametrize("values", [[], [None], [0.4, 0.4]])
def test_an_axis_of_nothing_or_of_one_value_has_room(values: list[float | None]) -> None:
    axis = figures.axis_over(values)
    assert axis.low < axis.high
    assert len(axis.ticks) >= 2


def test_a_mark_without_its_figures_is_not_drawn() -> None:
    plot = figures.dot_plot(
        figures.axis_over([0.0, 1.0]),
        title="t",
        tone="small",
        band=(None, 0.7),
        median=None,
        benchmark=None,
        interval=(None, None),
        figure=None,
    )
    assert (plot.band, plot.median, plot.benchmark, plot.interval, plot.dot) == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("value", "scale", "printed"),
    [(0.8824, "percent", "88.2%"), (1.066, "ratio", "1.07"), (1234.6, "dollars", "$1,235"), (None, "ratio", "–")],
)
def test_percent_has_one_decimal_ratios_two_and_dollars_none(
    value: float | None, scale: wording.Scale, printed: str
) -> None:
    assert wording.figure(value, scale) == printed


def test_the_status_words_and_marks_are_those_of_the_guide() -> None:
    assert [" ".join(wording.STATUS[one]) for one in ("better", "no_different", "worse", "too_few")] == [
        "▲ Better than peers", "● Similar to peers", "▼ Worse than peers", "– Too few cases",
    ]  # fmt: skip


def test_the_small_markdown_gives_headings_lists_and_tables_and_keeps_markup_as_text() -> None:
    found = markdown.blocks("# Title\n\n## Part\n\n- **R1** one\n  more\n- two\n\n| a | b |\n|---|---|\n| 1 | <b> |\n")
    assert [block.kind for block in found] == ["heading", "list", "table"]
    assert [span.text for span in found[1].rows[0][0]] == ["R1", " one more"]
    assert found[2].rows[1][1][0].text == "<b>"


def test_a_method_without_text_is_no_block() -> None:
    assert markdown.blocks("") == markdown.blocks("\n\n") == ()


def test_rules_are_found_by_number_and_shortened_to_their_first_sentence() -> None:
    rules = markdown.rules(
        "- **R4** Fewer than two dates: at least two are needed.\n- **R5** Under 18 (`a`: b). More.\n"
    )
    assert markdown.first_sentence(rules["R4"]) == "Fewer than two dates: at least two are needed."
    assert markdown.first_sentence(rules["R5"]) == "Under 18 (a: b)."
