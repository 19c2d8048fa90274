"""What people found helpful changes later rankings."""

import numpy as np
import pytest

from afteraction.v1 import memory_service_pb2 as pb
from services.memory.feedback import Voice, Voices
from shared.errors import NotFound
from tests.services.memory.conftest import Running

TEXT = "# {0}\n\n## Summary\n\nThe connection pool of {0} was exhausted and requests timed out.\n"
QUERY = pb.Query(text="connection pool exhausted, requests time out")


async def test_helpful_document_rises_and_unhelpful_one_sinks(memory: Running) -> None:
    names = {}
    for title in ("orders", "carts", "payments"):
        names[title] = (await memory.remember(title, TEXT.format(title))).document.name
    before = [result.document.title for result in (await memory.search(query=QUERY)).results]
    last, first = before[-1], before[0]

    for author in ("ana", "ben"):
        await memory.stub.GiveFeedback(
            pb.GiveFeedbackRequest(document=names[first], query=QUERY, is_helpful=False, author=author)
        )
    position = (
        await memory.stub.GiveFeedback(
            pb.GiveFeedbackRequest(document=names[last], query=QUERY, is_helpful=True, author="ana")
        )
    ).position
    after = (await memory.search(query=QUERY, position=position)).results

    assert [after[0].document.title, after[-1].document.title] == [last, first]
    assert "was found helpful for a similar incident" in after[0].reasons
    assert after[0].feedback_score > 0 > after[-1].feedback_score


async def test_feedback_says_nothing_about_other_queries(memory: Running) -> None:
    name = (await memory.remember("orders", TEXT.format("orders"))).document.name
    position = (
        await memory.stub.GiveFeedback(
            pb.GiveFeedbackRequest(document=name, query=QUERY, is_helpful=True, author="ana")
        )
    ).position

    found = await memory.search("certificate of the identity provider expired", position)

    assert all(result.feedback_score == 0 for result in found.results)


async def test_feedback_on_an_unknown_document_is_refused(memory: Running) -> None:
    with pytest.raises(NotFound):
        await memory.stub.GiveFeedback(
            pb.GiveFeedbackRequest(document="documents/x", query=QUERY, is_helpful=True, author="ana")
        )


def voice(document: str, author: str, helpful: bool) -> Voice:
    return Voice(document, author, b"q", helpful, np.array([1.0, 0.0], dtype=np.float32))


def test_last_word_of_a_person_is_the_one_that_counts() -> None:
    voices = Voices([voice("a", "ana", True)]).joined_by([voice("a", "ana", False)])

    assert len(voices) == 1
    assert voices.about(np.array([1.0, 0.0], dtype=np.float32))["a"] < 0


def test_many_voices_never_weigh_more_than_one_whole() -> None:
    voices = Voices(voice("a", str(number), True) for number in range(100))

    assert voices.about(np.array([1.0, 0.0], dtype=np.float32))["a"] <= 1.0
