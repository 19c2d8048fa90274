"""Under which names files are imported."""

from pathlib import Path

from services.cli.documents import named_files


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# Down\n")
    return path


def names(path: Path, source: str = "") -> list[str]:
    return [name for name, _ in named_files(path, source)]


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "a" / "2024-01-01.md")
    write(tmp_path / "b" / "2024-01-01.md")

    assert names(tmp_path / "a") + names(tmp_path / "b") == ["a/2024-01-01.md", "b/2024-01-01.md"]
    assert names(tmp_path / "a", "payments") == ["payments/2024-01-01.md"]


def test_file_of_a_repository_has_one_name_whichever_folder_is_imported(tmp_path: Path) -> None:
    file = write(tmp_path / "ops" / "postmortems" / "2024-01-01.md")
    (tmp_path / "ops" / ".git").mkdir()

    assert {*names(tmp_path / "ops"), *names(file.parent), *names(file)} == {"ops/postmortems/2024-01-01.md"}


def test_link_that_leads_nowhere_is_among_the_files(tmp_path: Path) -> None:
    (tmp_path / "broken.md").symlink_to(tmp_path / "gone.md")

    assert names(tmp_path, "x") == ["x/broken.md"]
