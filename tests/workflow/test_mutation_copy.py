"""The copy of the repository that is mutated holds what the repository holds, also when the check goes on after a change."""

from benchmarks.mutation import PARTS, RANDOM, ROOT, brought_up_to_date

RULE, STRAY = "qe/release/held_back.py", "tests/rules/test_of_yesterday.py"


def test_a_copy_of_yesterday_is_brought_up_to_date_and_what_is_gone_is_taken_away(tmp_path):
    copy = tmp_path / "gate"
    assert not brought_up_to_date(copy, PARTS[0]), "a new copy holds nothing that was judged"
    assert not brought_up_to_date(copy, PARTS[0])
    (copy / RULE).write_text("older = True\n")
    (copy / STRAY).write_text("def test_nothing(): ...\n")
    (copy / "mutants" / STRAY).parent.mkdir(parents=True)
    (copy / "mutants" / STRAY).write_text("def test_nothing(): ...\n")
    (copy / "mutants/mutmut-stats.json").write_text("{}")
    assert brought_up_to_date(copy, PARTS[0])
    assert (copy / RULE).read_bytes() == (ROOT / RULE).read_bytes()
    assert not (copy / STRAY).exists()
    assert not (copy / "mutants" / STRAY).exists()
    assert not (copy / "mutants/mutmut-stats.json").exists(), "which tests reach which function"
    assert not (copy / RANDOM).exists()
    assert not brought_up_to_date(copy, PARTS[0])
