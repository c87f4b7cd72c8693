"""Which files a run delivers, and their shapes: opened whole, or as parts of one block of persons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qe.sample.calendar import Calendar
from qe.sample.cdl import Submitter
from qe.sample.delimited import DelimitedFile, columns_of
from qe.sample.malformed import Target
from qe.sample.rif import HEADERS
from qe.sample.rif_people import CROSSWALK

CLAIM_FILES = ("inpatient", "outpatient", "snf", "hospice", "carrier", "dme", "pde")
PAYER_FILES = (("ME", "eligibility"), ("MC", "medical"), ("PC", "pharmacy"))


@dataclass(frozen=True, kw_only=True)
class FileShape:
    """A file by its path below the run's folder, with what stands above its rows."""

    path: str
    header: tuple[str, ...]
    separator: str = "|"
    compress: bool = False
    bom: bool = False
    before: str = ""

    def open(self, folder: Path, *, is_part: bool = False) -> DelimitedFile:
        return DelimitedFile(
            folder / self.path,
            self.header,
            separator=self.separator,
            compress=self.compress,
            bom=self.bom,
            before=self.before,
            is_part=is_part,
        )


Opener = Callable[[FileShape], DelimitedFile]


class Inbox:
    """All delivered claim and person files of one run, or one block's parts of them, open."""

    def __init__(
        self, calendar: Calendar, submitting: tuple[Submitter, ...], opened: Opener, *, compress: bool
    ) -> None:
        self.calendar, self.submitting = calendar, submitting

        def medicare(name: str, header: tuple[str, ...]) -> DelimitedFile:
            path = f"inbox/medicare/{name}.csv"
            return opened(FileShape(path=path, header=header, compress=compress, bom=name == "carrier"))

        self.medicare = {name: medicare(name, HEADERS[name]) for name in CLAIM_FILES}
        self.beneficiaries = {
            year: medicare(f"mbsf_abcd_{year}", columns_of("mbsf_abcd"))
            for year in range(calendar.first, calendar.last + 2)
        }
        self.crosswalk = medicare("crosswalk", CROSSWALK)
        first, last = f"{calendar.first}01", f"{calendar.last + 1}03"
        self.payers = {
            submitter.letter: {
                kind: opened(
                    FileShape(
                        path=f"inbox/payer_{submitter.letter}/{name}.txt",
                        header=columns_of(f"cdl_{name}"),
                        compress=compress,
                        before=submitter.head(kind, first, last),
                    )
                )
                for kind, name in PAYER_FILES
            }
            for submitter in submitting
        }

    def all(self) -> list[DelimitedFile]:
        files = [*self.medicare.values(), *self.beneficiaries.values(), self.crosswalk]
        return files + [file for payer in self.payers.values() for file in payer.values()]

    def claim_files(self) -> list[DelimitedFile]:
        return [*self.medicare.values(), *(payer[kind] for payer in self.payers.values() for kind in ("MC", "PC"))]

    def targets(self) -> list[Target]:
        """Files that get malformed rows."""
        rif = {"impossible": f"31-Feb-{self.calendar.last}", "date": "CLM_THRU_DT"}
        found = [
            Target(file=self.medicare["carrier"], person="BENE_ID", claim="CLM_ID", line="LINE_NUM",
                   amount="LINE_NCH_PMT_AMT", **rif),
            Target(file=self.medicare["outpatient"], person="BENE_ID", claim="CLM_ID", line="CLM_LINE_NUM",
                   amount="CLM_PMT_AMT", **rif),
        ]  # fmt: skip
        found += [
            Target(file=payer["MC"], person="CDLMC161", claim="CDLMC005", line="CDLMC006", date="CDLMC119",
                   amount="CDLMC125", impossible=f"{self.calendar.last}0231")
            for payer in self.payers.values()
        ]  # fmt: skip
        return found

    def close(self) -> None:
        """Close the files with their trailers; one without any row is not delivered."""
        for file in (*self.medicare.values(), *self.beneficiaries.values(), self.crosswalk):
            file.close()
        made_on = f"{self.calendar.last + 1}0430"
        for submitter in self.submitting:
            for kind, file in self.payers[submitter.letter].items():
                file.close(after=submitter.trailer(kind, made_on, file.rows))
        for file in self.all():
            if not file.rows:
                file.path.unlink()
