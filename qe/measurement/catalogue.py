"""Finding measure modules: those that ship with qe, those of installed catalogues, those of the site."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from qe import bundled
from qe.closed_toml import suggestion
from qe.errors import Fault, MeasureError
from qe.measurement.measure import Module, load


def catalogue(site_folders: Sequence[Path] = ()) -> list[Module]:
    """All modules, in order of their ids. The same module or measure id twice is an error that names both folders.

    site_folders  folders of [measures] folders in qe.toml: each a catalogue of modules, or one module
    """
    modules: list[Module] = []
    faults: list[Fault] = []
    for folder in folders(site_folders):
        try:
            modules.append(load(folder))
        except MeasureError as error:
            faults += error.faults
    faults += _repeated(modules)
    if faults:
        raise MeasureError.of(faults)
    return sorted(modules, key=lambda module: module.id)


def folders(site_folders: Sequence[Path] = ()) -> list[Path]:
    """The folder of every module, in the order in which catalogues are read."""
    roots = [bundled.folder("measures")]
    for entry_point in sorted(entry_points(group="qe.measures"), key=lambda point: point.name):
        roots.append(Path(entry_point.load()()))
    found: list[Path] = []
    for root in [*roots, *site_folders]:
        if not root.is_dir():
            raise MeasureError(
                f"the measure folder {root.name} is missing", remedy="Correct [measures] folders in qe.toml."
            )
        if (root / "measure.toml").is_file():
            found.append(root)
        else:
            found += [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(("_", "."))]
    return found


def find(modules: Sequence[Module], name: str) -> Module:
    """The module with this id, or the one that publishes the measure with this id."""
    for module in modules:
        if name == module.id or name in module.measure_ids:
            return module
    known = sorted(
        {module.id for module in modules} | {measure for module in modules for measure in module.measure_ids}
    )
    raise MeasureError(f'there is no measure "{name}"{suggestion(name, known)}', remedy="qe measures list")


def chosen(modules: Sequence[Module], names: Sequence[str]) -> list[Module]:
    """The modules that `names` asks for ("all", module ids or measure ids), in catalogue order."""
    if "all" in names:
        return list(modules)
    wanted = {find(modules, name).id for name in names}
    return [module for module in modules if module.id in wanted]


def listing(modules: Sequence[Module]) -> list[dict[str, object]]:
    """One entry a published measure: the data of `qe measures list --json`."""
    return [
        {
            "id": measure.id,
            "module": module.id,
            "name": measure.name,
            "category": measure.category,
            "version": module.version,
            "levels": list(module.facts.attribution.levels),
            "kind": module.standing(),
            "measure_kind": module.facts.kind,
            "direction": module.facts.direction,
            "attribution": module.facts.attribution.method,
            "classes": list(module.facts.classes),
            "steward": module.facts.steward,
            "licence": module.facts.licence,
        }
        for module in modules
        for measure in module.facts.measures
    ]


def _repeated(modules: Sequence[Module]) -> list[Fault]:
    """A fault for every id that two folders claim."""
    faults = []
    owner: dict[str, Path] = {}
    for module in modules:
        for name in dict.fromkeys((module.id, *module.measure_ids)):
            if name in owner:
                faults.append(
                    Fault(
                        code="same-id",
                        message=f'the measure id "{name}" is used by two folders: {owner[name]} and {module.folder}',
                        remedy="Rename one of them.",
                    )
                )
            else:
                owner[name] = module.folder
    return faults
