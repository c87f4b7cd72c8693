"""Which files a run delivers, and their shapes: opened whole, or as parts of one block of persons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qe.sample.calendar import Calendar
from qe.sample.cdl import Submitter
from qe.sample.delimited import DelimitedFile, columns_of
from qe.sample.deliveries import Delivered, Delivery, Schedule
from qe.sample.malformed import Target
from qe.sample.rif import HEADERS
from qe.sample.rif_people import CROSSWALK

CLAIM_FILES = ("inpatient", "outpatient", "snf", "hospice", "carrier", "dme", "pde")
SENT_AGAIN = ("a", "MC")  # submitter and kind of the file that comes a second time
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
        self,
        calendar: Calendar,
        plan: Schedule,
        submitting: tuple[Submitter, ...],
        opened: Opener,
        *,
        compress: bool,
    ) -> None:
        self.calendar, self.plan, self.submitting = calendar, plan, submitting
        self._opened, self._compress = opened, compress
        self.medicare = {
            name: Delivered(
                plan.yearly, [self._medicare(name, HEADERS[name], delivery) for delivery in plan.yearly], again={}
            )
            for name in CLAIM_FILES
        }
        self.beneficiaries = {
            year: (self._medicare(f"mbsf_abcd_{year}", columns_of("mbsf_abcd"), plan.yearly[version]), version)
            for year in range(calendar.first, calendar.last + 2)
            for version in (self._delivery_of_year(year),)
        }
        self.crosswalks = [self._medicare("crosswalk", CROSSWALK, delivery) for delivery in plan.yearly]
        self.payers = {
            submitter.letter: {kind: self._payer(submitter, kind, name) for kind, name in PAYER_FILES}
            for submitter in submitting
        }

    def _delivery_of_year(self, year: int) -> int:
        """The first of Medicare's deliveries that comes when the year is over, else the last."""
        over = 12 * (year - self.calendar.first) + 11
        found = [place for place, delivery in enumerate(self.plan.yearly) if delivery.months[1] >= over]
        return found[0] if found else len(self.plan.yearly) - 1

    def _medicare(self, name: str, header: tuple[str, ...], delivery: Delivery) -> DelimitedFile:
        path = _below("inbox/medicare", delivery, f"{name}.csv")
        return self._opened(FileShape(path=path, header=header, compress=self._compress, bom=name == "carrier"))

    def _payer(self, submitter: Submitter, kind: str, name: str) -> Delivered:
        def opened(delivery: Delivery) -> DelimitedFile:
            first, last = (_month(self.calendar, month) for month in delivery.months)
            return self._opened(
                FileShape(
                    path=_below(f"inbox/payer_{submitter.letter}", delivery, f"{name}.txt"),
                    header=columns_of(f"cdl_{name}"),
                    compress=self._compress,
                    before=submitter.head(kind, first, last),
                )
            )

        again = {}
        if self.plan.again is not None and (submitter.letter, kind) == SENT_AGAIN:
            again = {self.plan.again_of: opened(self.plan.again)}
        return Delivered(self.plan.quarterly, [opened(delivery) for delivery in self.plan.quarterly], again=again)

    def all(self) -> list[DelimitedFile]:
        files = [file for delivered in self.medicare.values() for file in delivered.all()]
        files += [file for file, _ in self.beneficiaries.values()] + self.crosswalks
        return files + [file for payer in self.payers.values() for one in payer.values() for file in one.all()]

    def claim_files(self) -> list[DelimitedFile]:
        payers = [payer[kind] for payer in self.payers.values() for kind in ("MC", "PC")]
        return [file for delivered in (*self.medicare.values(), *payers) for file in delivered.all()]

    def targets(self) -> list[Target]:
        """Files that get malformed rows."""
        rif = {"impossible": f"31-Feb-{self.calendar.last}", "date": "CLM_THRU_DT"}
        found = [
            Target(file=self.medicare["carrier"].last, person="BENE_ID", claim="CLM_ID", line="LINE_NUM",
                   amount="LINE_NCH_PMT_AMT", **rif),
            Target(file=self.medicare["outpatient"].last, person="BENE_ID", claim="CLM_ID", line="CLM_LINE_NUM",
                   amount="CLM_PMT_AMT", **rif),
        ]  # fmt: skip
        found += [
            Target(file=payer["MC"].last, person="CDLMC161", claim="CDLMC005", line="CDLMC006", date="CDLMC119",
                   amount="CDLMC125", impossible=f"{self.calendar.last}0231")
            for payer in self.payers.values()
        ]  # fmt: skip
        return found

    def close(self) -> None:
        """Close the files with their trailers; one without any row is not delivered."""
        for submitter in self.submitting:
            for kind, delivered in self.payers[submitter.letter].items():
                came = [(file, delivered.deliveries[place]) for place, file in enumerate(delivered.files)]
                if self.plan.again is not None:
                    came += [(file, self.plan.again) for file in delivered.again.values()]
                for file, delivery in came:
                    made_on = f"{delivery.delivered_on:%Y%m%d}"
                    file.close(after=submitter.trailer(kind, made_on, file.rows))
        for file in self.all():
            file.close()
            if not file.rows:
                file.path.unlink()


def _below(source: str, delivery: Delivery, name: str) -> str:
    return f"{source}/{delivery.folder}/{name}" if delivery.folder else f"{source}/{name}"


def _month(calendar: Calendar, month: int) -> str:
    return f"{calendar.first + month // 12}{month % 12 + 1:02d}"
