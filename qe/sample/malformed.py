"""Twenty-five rows that no reader may accept, of ten kinds; each is a row of its own, so that no claim loses a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from qe.sample.delimited import DelimitedFile

KINDS = (
    "impossible_date", "date_in_words", "amount_in_words", "too_few_columns", "too_many_columns", "no_person",
    "no_claim_number", "line_number_in_words", "nul_byte", "not_utf8",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MalformedRow:
    """Where it stands: file below inbox/, physical line (the first line of the file is 1), kind, column."""

    file: str
    line: int
    kind: str
    column: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file with the columns that its malformed rows spoil; `impossible` is 31 February in the file's dialect."""

    file: DelimitedFile
    person: str
    claim: str
    line: str
    date: str
    amount: str
    impossible: str


def _spoiled(target: Target, kind: str, number: int) -> tuple[bytes, str]:
    header = target.file.header
    fields = list(target.file.sample)

    def put(column: str, text: str) -> str:
        fields[header.index(column)] = text
        return column

    put(target.claim, f"9{number:013d}")
    column = ""
    if kind == "impossible_date":
        column = put(target.date, target.impossible)
    elif kind == "date_in_words":
        column = put(target.date, "yesterday")
    elif kind == "amount_in_words":
        column = put(target.amount, "twelve")
    elif kind == "too_few_columns":
        del fields[-7:]
    elif kind == "too_many_columns":
        fields += ["", "", "1"]
    elif kind == "no_person":
        column = put(target.person, "")
    elif kind == "no_claim_number":
        column = put(target.claim, "")
    elif kind == "line_number_in_words":
        column = put(target.line, "first")
    text = target.file.separator.join(fields).encode("utf-8")
    if kind == "nul_byte":
        text = text[:9] + b"\x00" + text[9:]
    if kind == "not_utf8":
        text = text[:9] + b"\xff\xfe" + text[9:]
    return text, column


def write_malformed(targets: Sequence[Target], count: int) -> list[MalformedRow]:
    """`count` malformed rows, turn by turn over files and kinds; written where the files stand now."""
    found = []
    usable = [target for target in targets if target.file.sample]
    for number in range(count if usable else 0):
        target = usable[number % len(usable)]
        kind = KINDS[(number + number // len(KINDS)) % len(KINDS)]
        text, column = _spoiled(target, kind, number)
        line = target.file.raw(text)
        found.append(
            MalformedRow(file=target.file.path.as_posix().rpartition("/inbox/")[2], line=line, kind=kind, column=column)
        )
    return found
