"""What commands print, into a pipe and onto a narrow terminal."""

import re

import pytest
from rich.console import Console

from services.cli import output
from services.cli.output import for_terminal, print_markdown, print_table

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


def test_list_items_wrap_at_the_windows_width(monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(output, "console", Console(force_terminal=True, width=40, highlight=False, soft_wrap=True))
    words = "deployment in checkout-api, likely (95 %): v2.4.2 was deployed 12 minutes before the onset"

    print_markdown(f"1. {words}\n\n- {words}\n")

    lines = capsys.readouterr().out.splitlines()
    assert " ".join(" ".join(lines).split()).count("minutes before the onset") == 2
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 40 for line in lines)


def test_footnotes_are_a_list_below() -> None:
    text = for_terminal("Checkout failed. [^E1][^E2]\n\n[^E1]: 25 % at 04:00\n[^E2]: a page\n")

    assert text == "Checkout failed. [E1, E2]\n\n## Evidence\n\n- E1: 25 % at 04:00\n- E2: a page\n"
    assert for_terminal("Failed. [^E1]\n\n[^E1]: 25 %\n", has_evidence=False) == "Failed. [E1]\n"
