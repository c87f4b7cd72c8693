"""Nothing leaves but with a permit of the gate: whoever writes the outbox or the public folder redeems one."""

import ast
from pathlib import Path

import qe.release
from qe.site import SiteTable

FOLDER = Path(qe.release.__path__[0])
PACKAGE = FOLDER.parent


def calls(path: Path) -> set[str]:
    """Names of the functions and methods that a module calls."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    found.add(name)
    return found


def attributes(path: Path) -> set[str]:
    """`site.public` and the like: names of attributes that a module reads off `site`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "site"
    }


def opens_age(path: Path) -> bool:
    return bool({"decrypt", "decrypt_io"} & calls(path)) and "pyrage" in path.read_text(encoding="utf-8")


def test_only_sends_letters_and_data_releases_write_packages_and_each_redeems_a_permit() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "packages.py"]
    writers = {path for path in modules if {"write_package", "write_sealed"} & calls(path)}
    named = {path.relative_to(FOLDER).as_posix() for path in writers}
    assert named == {"send.py", "outgoing.py", "data_release.py"}
    assert all("redeem" in calls(path) for path in writers)


def test_only_the_publication_and_its_posting_write_under_public_and_each_redeems_a_permit() -> None:
    touching = {path.name for path in FOLDER.rglob("*.py") if "public" in attributes(path)}
    assert touching == {
        "publish.py",
        "posting.py",
        "releases.py",  # asks whether a published folder is there
        "withdraw.py",  # puts the note in the place of what it takes away
    }
    assert all("redeem" in calls(FOLDER / name) for name in ("publish.py", "posting.py"))
    assert not {"open", "write_bytes", "write_text", "rename", "replace"} & calls(FOLDER / "releases.py")


def test_a_withdrawal_writes_its_note_under_public_and_nothing_that_it_did_not_word_itself() -> None:
    tree = ast.parse((FOLDER / "withdraw.py").read_text(encoding="utf-8"))
    (write,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "write_aside"
    )
    assert ast.unparse(write.args[1]) == "{NOTE: note.encode('utf-8')}"
    assert not {
        "open",
        "write_bytes",
        "write_text",
        "read_bytes",
        "rename",
        "copy",
        "copytree",
        "move",
        "read_staged",
    } & calls(FOLDER / "withdraw.py")


def test_what_is_sealed_unread_is_opened_in_one_place_for_a_key_that_no_setting_names() -> None:
    """Inbox files that came under age are opened by the stream that reads sources, with a key of their own."""
    openers = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if opens_age(path)}
    assert openers == {"release/attachments.py", "sources/stream.py"}
    naming = {path.name for path in PACKAGE.rglob("*.py") if '"sealed"' in path.read_text(encoding="utf-8")}
    assert naming == {"attachments.py"}  # the folder is known nowhere else
    assert not {"write_package", "write_sealed", "outbox_path"} & calls(FOLDER / "attachments.py")
    assert not {"public", "out", "outbox"} & attributes(FOLDER / "attachments.py")
    assert "sealing_key" not in " ".join(SiteTable.model_fields)


def test_permits_are_made_by_decisions_alone() -> None:
    makers = {path.name for path in PACKAGE.rglob("*.py") if "Permit" in calls(path)}
    assert makers == {"artefact.py"}
