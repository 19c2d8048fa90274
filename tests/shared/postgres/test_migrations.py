"""Migrations run once, in order, and refuse what was edited."""

import sys
from pathlib import Path

import pytest

from shared.postgres.migrations import migrate, read
from shared.postgres.pool import open_pool


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "example_migrations"
    directory.mkdir()
    (directory / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "example_migrations", raising=False)
    return directory


async def test_migrations_run_once_and_in_order(database_url: str, package: Path) -> None:
    (package / "0002_pre_more.sql").write_text("INSERT INTO things VALUES (1)")
    (package / "0001_pre_first.sql").write_text("CREATE TABLE things (n integer)")

    async with open_pool(database_url, schema="example") as pool:
        first = await migrate(pool, "example", "example_migrations")
        second = await migrate(pool, "example", "example_migrations")
        rows = await pool.fetchval("SELECT count(*) FROM things")

    assert (first, second, rows) == (2, 0, 1)


async def test_edited_migration_stops_the_start(database_url: str, package: Path) -> None:
    file = package / "0001_pre_first.sql"
    file.write_text("CREATE TABLE things (n integer)")
    async with open_pool(database_url, schema="example") as pool:
        await migrate(pool, "example", "example_migrations")
        file.write_text("CREATE TABLE things (n bigint)")

        with pytest.raises(RuntimeError, match="edited after it ran"):
            await migrate(pool, "example", "example_migrations")


async def test_failed_migration_leaves_nothing(database_url: str, package: Path) -> None:
    (package / "0001_pre_first.sql").write_text("CREATE TABLE things (n integer)")
    (package / "0002_pre_wrong.sql").write_text("SELECT nonsense")

    async with open_pool(database_url, schema="example") as pool:
        with pytest.raises(Exception, match="nonsense"):
            await migrate(pool, "example", "example_migrations")
        left = await pool.fetchval("SELECT to_regclass('things')")

    assert left is None


def test_misnamed_file_is_refused(package: Path) -> None:
    (package / "first.sql").write_text("SELECT 1")

    with pytest.raises(RuntimeError, match="0001_pre_what"):
        read("example_migrations")
