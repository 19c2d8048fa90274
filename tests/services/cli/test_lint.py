import json
from pathlib import Path

import pytest
import typer

from services.cli.lint import lint_files

BLAMING = "# Outage\n\nThe pod failed to start.\nThe on-call engineer forgot to renew the certificate.\n"


def run(*files: str, is_json: bool = False) -> int:
    with pytest.raises(typer.Exit) as ended:
        lint_files(list(files), is_json=is_json)
    return ended.value.exit_code


def test_finding_tells_its_place_why_and_a_rewrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "outage.md"
    file.write_text(BLAMING)

    code = run(str(file), is_json=True)

    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert (finding["file"], finding["line"], finding["column"]) == (str(file), 4, 1)
    assert finding["text"].startswith("The on-call engineer forgot") and finding["rule"] == "person-as-failure"
    assert finding["why"] and finding["rewrite"]


def test_file_without_blame_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fine.md"
    file.write_text("The pod failed to start.\n")

    assert run(str(file)) == 0
    assert capsys.readouterr().out == ""


def test_unreadable_file_is_named_and_the_others_are_linted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outage.md").write_text(BLAMING)
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")

    code = run(str(tmp_path / "absent.md"), str(tmp_path / "binary.md"), str(tmp_path / "outage.md"))

    output = capsys.readouterr()
    assert code == 2
    assert "absent.md" in output.err and "binary.md" in output.err
    assert "outage.md:4:1: person-as-failure" in output.out


def test_folder_stands_for_the_markdown_below_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "outage.md").write_text(BLAMING)
    (tmp_path / "photo.png").write_bytes(b"\xff")

    assert run(str(tmp_path)) == 1
    assert "outage.md:4:1: person-as-failure" in capsys.readouterr().out
