"""Files of the repository: the text comes back byte for byte, whatever people wrote above or in it."""

from hypothesis import given
from hypothesis import strategies as st

from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.repository.files import of_runbook, path_of, read
from tests.services.drafting.review_factory import ONSET

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
BOOK = Runbook(name="runbooks/pool", title="Pool: exhausted\n---\n", service="checkout-api", category="capacity")


@given(TEXT)
def test_text_comes_back_byte_for_byte(text: str) -> None:
    file = read(of_runbook(BOOK, 3, text))

    assert (file.name, file.revision, file.text) == ("runbooks/pool", 3, text)


@given(TEXT)
def test_file_without_front_matter_is_all_text(text: str) -> None:
    file = read(b"# Title\n" + text.encode())

    assert file.text == "# Title\n" + text
    assert (file.name, file.revision, file.tags) == ("", 0, None)


@given(st.binary(max_size=300))
def test_nothing_that_a_person_writes_above_it_breaks_the_reading(front: bytes) -> None:
    try:
        file = read(b"---\n" + front + b"\n---\ntext\n")
    except UnicodeDecodeError:
        return
    assert file.revision >= 0


def test_names_that_are_none_of_ours_are_not_believed() -> None:
    for front in ("id: ../../etc/passwd", "id: incidents/x", "id: [1]", "revision: -4", "revision: true", "tags: 7"):
        file = read(f"---\n{front}\n---\ntext\n".encode())
        assert (file.name, file.tags) == ("", None), front


def test_slip_in_the_front_matter_is_no_part_of_the_text() -> None:
    found = read(b'---\nid: postmortems/p1\ntags: [network, "a, b"]\n- deployment\nrevision: 7\n---\n# Outage\n')

    assert (found.name, found.revision, found.tags, found.text) == ("postmortems/p1", 7, None, "# Outage\n")
    assert found.is_broken


def test_windows_line_ends_of_the_front_matter_are_read() -> None:
    file = read(b"---\r\nid: postmortems/x\r\nrevision: 2\r\n---\r\ntext\r\n")

    assert (file.name, file.revision, file.text) == ("postmortems/x", 2, "text\r\n")


def test_path_says_the_day_and_stays_when_the_title_changes() -> None:
    assert path_of("postmortems/abc", ONSET) == "postmortems/2026-07-05-abc.md"
    assert path_of("runbooks/pool") == "runbooks/pool.md"
