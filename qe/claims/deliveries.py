"""The staged files as deliveries: in the order in which they came, and which of them are loaded together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from qe.claims.model import FOLDER
from qe.errors import Fault, Findings
from qe.site import SourceTable
from qe.sources.delivery import MANIFEST
from qe.sources.delivery import in_order as order_of
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

NET_KINDS = ("medical", "pharmacy")
SPLIT_KINDS = {
    "institutional_base": "institutional_split",
    "institutional_line": "institutional_split",
    "professional_base": "professional_split",
    "professional_line": "professional_split",
}  # claim headers and their lines in two files
MODEL_KINDS = ("claim", "claim_line", "claim_diagnosis", "claim_procedure")  # claims of our own model in four files
MONTH_KINDS = ("beneficiary", "beneficiary_counts", "eligibility", "enrollment", "member_month")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One staged file in the order in which files came.

    The files of a source that sends increments count as one, and so do claims, their lines and codes of one delivery.

    delivery_order  a claim of a later delivery supersedes the whole claim of an earlier one
    sent_order      the file's own place
    is_net          amounts are summed over versions (setting adjustment = "net")
    source_end      the last day of its source (setting end)
    """

    staged: StagedFile
    delivery_order: int
    sent_order: int
    is_net: bool
    source_end: date | None

    @property
    def delivery_id(self) -> str:
        return self.staged.file.sha256[:16]

    @property
    def parameters(self) -> dict[str, object]:
        file = self.staged.file
        return {
            "source_id": file.source_id,
            "payer_id": file.payer_id,
            "payer_type": file.payer_type,
            "delivery_id": self.delivery_id,
            "net": self.is_net,
            "source_end": self.source_end,
        }


def in_order(staged: Sequence[StagedFile], *, sources: Mapping[str, SourceTable]) -> list[Delivery]:
    """The files that stand as deliveries, oldest first: by the day they came; replaced files are left out.

    Files of one day have no order among themselves (`require_order`); what they say of a person's months stands together.
    """
    net_sources = frozenset(name for name, source in sources.items() if source.adjustment == "net")
    ordered = sorted((one for one in staged if one.replaced_by is None), key=lambda one: order_of(one.file))
    last = {_together(one, net_sources): place for place, one in enumerate(ordered, start=1)}
    return [
        Delivery(
            staged=one,
            delivery_order=last[_together(one, net_sources)],
            sent_order=place,
            is_net=_is_net(one, net_sources),
            source_end=sources[one.file.source_id].end,
        )
        for place, one in enumerate(ordered, start=1)
    ]


def _is_net(one: StagedFile, net_sources: frozenset[str]) -> bool:
    return one.file.source_id in net_sources and one.file.staged_as in NET_KINDS


def _together(one: StagedFile, net_sources: frozenset[str]) -> tuple[object, ...]:
    """Files of which this gives the same have one delivery_order; most files have one by themselves.

    Increments share it with all of their source, headers and lines with those of their folder, claims of our own model with
    their lines and codes of one delivery, months with those of one day.
    """
    file = one.file
    if _is_net(one, net_sources):
        return file.source_id, file.staged_as
    if file.staged_as in SPLIT_KINDS:
        return file.source_id, SPLIT_KINDS[file.staged_as], file.path.parent.as_posix()
    if file.staged_as in MODEL_KINDS:
        return file.source_id, "model", file.delivery, file.received_on
    if file.staged_as in MONTH_KINDS:
        return file.source_id, file.staged_as, file.received_on
    return file.source_id, file.sha256


def loaded_together(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """What is loaded together: single files, and the files of one kind of a source that sends increments."""
    gathered: dict[tuple[str, str, int], list[Delivery]] = {}
    for delivery in deliveries:
        file = delivery.staged.file
        kind = SPLIT_KINDS.get(file.staged_as, file.staged_as)
        is_together = delivery.is_net or file.staged_as in SPLIT_KINDS
        order = delivery.delivery_order if is_together else delivery.sent_order
        gathered.setdefault((file.source_id, kind, order), []).append(delivery)
    return sorted(gathered.values(), key=lambda group: group[-1].sent_order)


def require_order(db: Warehouse, deliveries: Sequence[Delivery]) -> None:
    """Stop when two files of one day hold the same claim: nothing says which of them is the later one.

    Raises Findings with every file that holds claims of an earlier-read file of its day.
    """
    files: dict[tuple[object, ...], list[Delivery]] = {}
    for delivery in deliveries:
        file = delivery.staged.file
        kind = SPLIT_KINDS.get(file.staged_as, file.layout)
        files.setdefault((file.source_id, kind, file.received_on), []).append(delivery)
    for day, of_day in enumerate(files.values(), start=1):
        if len(of_day) > 1:
            for one in of_day:
                db.execute(
                    "insert into file_of_day values ($day, $place, $sent, $name)",
                    day=day,
                    place=one.sent_order if one.staged.file.staged_as in MODEL_KINDS else one.delivery_order,
                    sent=one.sent_order,
                    name=one.staged.file.name,
                )
    found = db.frame(FOLDER / "keys" / "claims_of_one_day.sql")
    if not found.is_empty():
        raise Findings.of([_same_claims(first, other, claims) for first, other, claims in found.iter_rows()])


def _same_claims(name: str, other: str, claims: int) -> Fault:
    return Fault(
        code="claims-without-order",
        message=f"{other}: {claims:,} of its claims stand in {name} too, and nothing says which of the two came later",
        file=other,
        count=claims,
        remedy=f"Put each delivery into a folder of its own, with delivered_on in its {MANIFEST}.",
    )
