"""What a person may do to an incident and to a search's result, as far as the command decides it itself."""

import pytest
from typer.testing import CliRunner

from afteraction.v1.event_pb2 import Deploy, Event, Note
from services.cli.__main__ import app
from services.cli.incidents import _change
from services.cli.postmortem.looking import _around
from services.cli.search import _begins


@pytest.mark.parametrize(("event", "words"), [
    (Event(service="web", deploy=Deploy(version="v2.4.2")), "deploy v2.4.2"),
    (Event(service="web", note=Note(text="restarted")), "note"),
    (Event(), "change"),
])
def test_change_is_told_by_its_kind_and_name(event: Event, words: str) -> None:
    assert _change(event) == words


def test_passage_is_shown_as_far_as_a_line_goes() -> None:
    assert _begins("One\n  line.") == "One line."
    assert len(_begins("word " * 100)) <= 202 and _begins("word " * 100).endswith("word …")


@pytest.mark.parametrize(("arguments", "reason"), [
    (["incidents", "update", "incidents/a", "--by", "ada"], "say what to change"),
    (["incidents", "update", "incidents/a", "--by", "ada", "--severity", "P9"], "P9 is none of P1, P2, P3, P4"),
    (["incidents", "--state", "gone"], "gone is none of open, acknowledged, resolved, merged"),
    (["search", "pool", "--severity", "high"], "high is none of P1, P2, P3, P4"),
])
def test_what_cannot_be_meant_is_refused_by_name(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert reason in " ".join(result.output.replace("│", " ").split())


def test_difference_shows_a_few_lines_around_it_under_their_heading() -> None:
    same = "\n".join(["first", "second", "third", "## Impact", *map(str, range(9)), "last"])

    assert _around(same).split("\n") == ["first", "second", "  …", "## Impact", "8", "last"]
    assert _around("a\nb") == "a\nb"
