import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.drafting.blameless import lint

CORPUS = Path(__file__).parent / "corpus"


def labelled(name: str) -> list[tuple[str, bool]]:
    """(sentence, whether it blames) of a corpus file."""
    lines = (CORPUS / f"{name}.txt").read_text().splitlines()
    return [(line[2:], line[0] == "+") for line in lines if line[:2] in ("+ ", "- ")]


@pytest.mark.parametrize("corpus", sorted(path.stem for path in CORPUS.glob("*.txt")))
def test_few_false_alarms_and_few_misses(corpus: str) -> None:
    sentences = labelled(corpus)

    found = [(bool(lint(sentence)), blames) for sentence, blames in sentences]

    true = sum(is_found and blames for is_found, blames in found)
    assert true / sum(is_found for is_found, _ in found) >= 0.95
    assert true / sum(blames for _, blames in found) >= 0.9


def test_finding_has_its_place_in_the_text() -> None:
    [finding] = lint("# Outage\n\nIt was slow. Then Priya forgot\nto renew the certificate.\n")

    assert (finding.line, finding.column) == (3, 19)
    assert finding.text == "Priya forgot to renew the certificate"
    assert finding.end_column == 31
    assert "Priya forgot" in finding.rewrite and finding.why


@pytest.mark.parametrize(
    "markdown",
    [
        "```\nthe engineer forgot to set the limit\n```\n",
        "~~~ text\nthe engineer forgot to set the limit\n",
        "> the engineer forgot to set the limit\n",
        "- 03:47\n\n  ```\n  the engineer forgot it\n  ```\n",
        "---\ncause: the engineer forgot it\n---\n\nFine.\n",
        "<!-- the engineer forgot to set the limit -->\n",
        "It said `the engineer forgot to set the limit`.\n",
        "See [it](https://example.org/the-engineer-forgot-it).\n",
        "| time | line |\n|---|---|\n| 03:47 | ERROR the engineer forgot to set the limit |\n",
        "    the engineer forgot to set the limit\n",
    ],
)
def test_what_is_not_the_authors_own_prose_is_left_alone(markdown: str) -> None:
    assert lint(markdown) == ()


@pytest.mark.parametrize(
    "markdown",
    [
        "| time | what |\n|---|---|\n| 03:47 | the engineer forgot to set the limit |\n",
        "- item one\n- the engineer forgot to set the limit\n",
        "## The engineer forgot to set the limit\n",
        "**The engineer** _forgot_ to set the limit.\n",
        "```\ncode\n```\nThe engineer forgot to set the limit.\n",
    ],
)
def test_prose_is_read_wherever_it_stands(markdown: str) -> None:
    assert [finding.rule for finding in lint(markdown)] == ["person-as-failure"]


def test_title_of_the_front_matter_is_read() -> None:
    [finding] = lint("---\ntitle: Priya forgot to renew the certificate\nowner: ops\n---\n\nFine.\n")

    assert (finding.line, finding.column, finding.rule) == (2, 8, "person-as-failure")


def test_praise_by_denial_is_no_finding() -> None:
    assert lint("The on-call forgot nothing.") == ()
    assert lint("The reviewers overlooked nothing.") == ()


@given(st.text(max_size=400))
def test_any_text_is_read_and_every_place_exists(text: str) -> None:
    lines = text.split("\n")
    for finding in lint(text):
        assert 1 <= finding.line <= len(lines)
        assert 1 <= finding.column < finding.end_column <= len(lines[finding.line - 1]) + 1


@pytest.mark.parametrize(
    "piece",
    ["the engineer ", "a, ", "who ", "( ", "`", "| a ", '"', "x=1 ", "and forgot ", "<a ", "[a](", "_", "A" * 50],
)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))

    began = time.process_time()
    lint(text)

    assert time.process_time() - began < 5
