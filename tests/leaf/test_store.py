import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import pytest

from qe import store, warehouse
from qe.errors import InputError, QeError, SiteHeld

MARKER = "PLAINTEXT-MARKER-0123456789"


@pytest.fixture
def engine(tmp_path: Path) -> store.Engine:
    return store.Engine(spill_folder=tmp_path / "store" / ".spill", threads=2, memory_gib=1)


def build(path: Path, key: store.Key, engine: store.Engine) -> None:
    with warehouse.build(path, key, engine=engine) as db:
        db.execute("create table fact as select $marker || range as text from range(1000)", marker=MARKER)


def test_a_database_and_its_folder_hold_no_plaintext(tmp_path: Path, engine: store.Engine):
    path = tmp_path / "store" / "model" / "a.duckdb"
    build(path, store.new_key(), engine)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or MARKER.encode() not in file.read_bytes(), file.name


def test_spilled_sorts_are_encrypted(tmp_path: Path):
    engine = store.Engine(spill_folder=tmp_path / "store" / ".spill", threads=1, memory_gib=0.3)
    seen = 0
    with store.open_encrypted(tmp_path / "a.duckdb", store.new_key(), engine=engine, read_only=False) as connection:
        connection.execute(
            "create table wide as select $marker || hash(range) as text, hash(range) as h from range(4000000)",
            {"marker": MARKER},
        )
        connection.execute(
            "set streaming_buffer_size = '1MB'"
        )  # fetched bit by bit, so that the sort's files still lie there
        result = connection.execute("select text from wide order by h, text")
        result.fetchmany(1)
        for file in (path for path in engine.spill_folder.rglob("*") if path.is_file()):
            seen += 1
            assert MARKER.encode() not in file.read_bytes()
    assert seen >= 1, "nothing was spilled: the test shows nothing"


def test_two_connections_that_spill_at_once_do_not_take_each_others_files(tmp_path: Path):
    small = store.Engine(spill_folder=tmp_path / "store" / ".spill", threads=1, memory_gib=0.15)
    spills: list[bool] = []

    def digest(engine: store.Engine) -> tuple[int, int]:
        with closing(store.connect(engine)) as connection:
            connection.execute(
                "create temp table wide as select repeat('x', 100) || hash(range) as text from range(1500000)"
            )
            spills.append(any(engine.spill_folder.rglob("*.tmp")))
            row = connection.execute("select count(*), bit_xor(hash(text)) from wide").fetchone()
        assert row is not None
        return row

    expected = digest(replace(small, memory_gib=2))
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(digest, (small, small))) == [expected, expected]
    assert spills == [False, True, True], "what is small must spill: else the test shows nothing"


UNION = """
    select n::varchar as code, 'R1' as rule_id, cast([] as varchar[]) as claim_ids
    from (select range as n from range(40000)) where n not in (select range * 7 from range(10000000))
    union all
    select n::varchar, 'R2', cast([] as varchar[])
    from (select range % 3000000 as n, count(*) from range(9000000) group by n having count(*) > 3 or n < 3000)
"""


def test_a_union_of_more_than_a_megabyte_does_not_wait_for_ever(tmp_path: Path):
    """With DuckDB's own buffer this query never returns and cannot be interrupted: a process of its own runs it."""
    script = (
        "import sys; from pathlib import Path; from qe import store\n"
        "connection = store.connect(store.Engine(threads=2, memory_gib=2, spill_folder=Path(sys.argv[1])))\n"
        "print(len(connection.execute(sys.argv[2]).fetchall()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), UNION], capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) == (40_000 - 5_715) + 3_000  # of 0 to 39,999 the multiples of 7 (0 to 39,998) are left out


def test_a_file_that_another_process_holds_is_not_called_damaged(tmp_path: Path, engine: store.Engine):
    path, key = tmp_path / "store" / "vault.duckdb", store.new_key()
    path.parent.mkdir()
    with store.open_encrypted(path, key, engine=engine, read_only=False) as connection:
        connection.execute("create table kept as select 1 as one")
    holds = (
        "import sys; from pathlib import Path; from qe import store; "
        "key = store.Key(sys.argv[2]); engine = store.Engine(spill_folder=Path(sys.argv[1]).parent / '.spill')\n"
        "with store.open_encrypted(Path(sys.argv[1]), key, engine=engine, read_only=False): print('held', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(path), key.hex_digits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with (
            pytest.raises(SiteHeld, match=r"vault\.duckdb is in use"),
            store.open_encrypted(path, key, engine=engine, read_only=False),
        ):
            pass
        other.communicate("")


def test_nobody_is_told_to_take_a_damaged_vault_away(tmp_path: Path, engine: store.Engine):
    for name, told in (("vault.duckdb", "Restore it"), ("a.duckdb", "Take it away")):
        path = tmp_path / name
        path.write_bytes(b"no database" * 1000)
        with (
            pytest.raises(QeError) as raised,
            store.open_encrypted(path, store.new_key(), engine=engine, read_only=False),
        ):
            pass
        assert raised.value.faults[0].remedy.startswith(told)


def test_a_wrong_key_is_one_sentence(tmp_path: Path, engine: store.Engine):
    path = tmp_path / "store" / "model" / "a.duckdb"
    build(path, store.new_key(), engine)
    with (
        pytest.raises(InputError, match=r"the key does not open a\.duckdb"),
        warehouse.open_read_only(path, store.new_key(), engine=engine, lock=False),
    ):
        pass


def test_a_missing_key_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="is missing"):
        store.read_key(tmp_path / "gone.key")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path):
    file = tmp_path / "open.key"
    file.write_text(store.new_key().hex_digits)
    file.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others"):
        store.read_key(file)


def test_without_the_crypto_extension_nothing_is_written(
    tmp_path: Path, engine: store.Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(__import__("sys").modules, "duckdb_extension_httpfs", None)
    with pytest.raises(InputError, match="cannot be loaded"):
        build(tmp_path / "store" / "model" / "a.duckdb", store.new_key(), engine)
    assert not list(tmp_path.rglob("*.duckdb"))


def test_a_key_never_shows_in_its_repr():
    key = store.new_key()
    assert key.hex_digits not in repr(key)


def test_a_build_that_fails_leaves_no_file_behind(tmp_path: Path, engine: store.Engine):
    path = tmp_path / "store" / "model" / "a.duckdb"
    with pytest.raises(RuntimeError), warehouse.build(path, store.new_key(), engine=engine):
        raise RuntimeError("the power went out")
    assert not list(tmp_path.rglob("*.duckdb"))


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/hostname')",
        "copy fact to 'out.csv'",
        "attach 'other.duckdb' as other",
        "set threads = 1",
        "set enable_external_access = true",
    ],
)
def test_a_locked_connection_refuses_files_and_settings(statement: str, tmp_path: Path, engine: store.Engine):
    key, path = store.new_key(), tmp_path / "store" / "model" / "a.duckdb"
    build(path, key, engine)
    with warehouse.open_read_only(path, key, engine=engine, lock=True) as db:
        with pytest.raises(duckdb.Error):
            db.execute(statement)
        assert db.scalar("select count(*) from fact") == 1000


def test_a_locked_connection_cannot_change_the_model(tmp_path: Path, engine: store.Engine):
    key, path = store.new_key(), tmp_path / "store" / "model" / "a.duckdb"
    build(path, key, engine)
    with (
        warehouse.open_read_only(path, key, engine=engine, lock=True) as db,
        pytest.raises(duckdb.Error, match="read-only"),
    ):
        db.execute("delete from fact")


def test_a_sql_file_binds_only_the_parameters_it_names(tmp_path: Path, engine: store.Engine):
    file = tmp_path / "one.sql"
    file.write_text("select $start + 1 as next\n")
    with store.open_encrypted(tmp_path / "a.duckdb", store.new_key(), engine=engine, read_only=False) as connection:
        frame = warehouse.Warehouse(connection).frame(file, start=1, unused=2)
        assert frame.to_dicts() == [{"next": 2}]
        with pytest.raises(InputError, match=r"\$start"):
            warehouse.Warehouse(connection).frame(file)


def test_folders_of_the_store_are_closed_to_others(tmp_path: Path, engine: store.Engine):
    build(tmp_path / "store" / "model" / "a.duckdb", store.new_key(), engine)
    assert (tmp_path / "store" / ".building").stat().st_mode & 0o077 == 0


def test_an_extension_that_was_changed_after_it_was_checked_is_not_loaded(
    tmp_path: Path, engine: store.Engine, monkeypatch: pytest.MonkeyPatch
):
    genuine = next(Path(str(duckdb_extension_httpfs.__file__)).parent.rglob("httpfs.duckdb_extension"))
    copy = tmp_path / "httpfs.duckdb_extension"
    shutil.copyfile(genuine, copy)
    monkeypatch.setattr(duckdb_extension_httpfs, "__file__", str(tmp_path / "__init__.py"))
    for _ in range(2):  # its signature is checked once
        with closing(store.connect(engine)) as connection:
            assert connection.execute("select current_setting('allow_unsigned_extensions')").fetchone() == (False,)
    changed = bytearray(copy.read_bytes())
    changed[len(changed) // 2] ^= 1
    other = tmp_path / "changed"
    other.write_bytes(changed)
    other.replace(copy)
    with pytest.raises(InputError, match="cannot be loaded"):
        store.connect(engine)
