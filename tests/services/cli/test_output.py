"""What commands print, into a pipe and onto a narrow terminal."""

import pytest
from rich.console import Console

from services.cli import output
from services.cli.output import print_table

ROWS = [("incidents/aqrveix4p747bfwu", "P2", "a title that is longer than the room that a terminal leaves for it")]


def test_row_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("incident", "severity", "title"), ROWS, empty="none")

    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["incident", "severity", "title"]
    assert row.startswith(ROWS[0][0]) and row.endswith(ROWS[0][2])


def test_name_is_never_broken_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(output, "console", Console(force_terminal=True, width=60, highlight=False))

    print_table(("incident", "severity", "title"), ROWS, empty="none")

    assert ROWS[0][0] in capsys.readouterr().out


def test_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("incident",), [], empty="No incident in stream live.")

    assert capsys.readouterr().out == "No incident in stream live.\n"
