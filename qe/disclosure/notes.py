"""Why figures of a public row are missing: one neutral mark on pages, one code in the data, one wording."""

from enum import StrEnum
from typing import Final


class NoteCode(StrEnum):
    """Why figures of a row are missing."""

    TOO_FEW = "too_few"
    SMALL_CELL = "small_cell"
    NOT_PUBLISHABLE = "not_publishable"


NOTE_WORDING: Final = {
    NoteCode.TOO_FEW: "Too few cases: below the measure's minimum denominator.",
    NoteCode.SMALL_CELL: "Not shown, so that no small number of persons can be told.",
    NoteCode.NOT_PUBLISHABLE: "Not shown: the result did not meet the conditions of its own method.",
}
