"""What responders wrote: as far as it may be quoted, and what of it says that something is written down nowhere."""

import re

from services.drafting.blameless import lint
from services.drafting.case import Case
from services.drafting.observations import Event, Note

_UNDOCUMENTED = re.compile(
    r"\b(undocumented|not documented|documented nowhere|nowhere documented|no documentation|isn't documented|"
    r"no runbook|not in the (docs|runbook|wiki)|no (alert|dashboard|monitoring|metric)\b[^.]*|"
    r"not monitored|not alerted)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]+)*[.!?]?")


def notes_during(case: Case) -> list[Event]:
    """What responders wrote from the onset on, as far as it may be quoted: not where it blames somebody."""
    return [
        event
        for event in case.events
        if isinstance(event.detail, Note) and event.occurred_at >= case.facts.onset_at and not lint(event.detail.text)
    ]


def undocumented(case: Case) -> list[tuple[Event, str]]:
    """Sentences of notes that say that something is written down or watched nowhere."""
    return [
        (event, sentence)
        for event in notes_during(case)
        if isinstance(event.detail, Note)
        for sentence in sentences(event.detail.text)
        if _UNDOCUMENTED.search(sentence)
    ]


def mechanism(event: Event) -> str:
    """A note up to where it begins to say what is documented nowhere: a part of it as it was written."""
    if not isinstance(event.detail, Note):
        return ""
    text = event.detail.text
    first = next((found.start() for found in _SENTENCE.finditer(text) if _UNDOCUMENTED.search(found[0])), len(text))
    return text[:first].strip() or text


def sentences(text: str) -> list[str]:
    """A note cut at its full stops; «v2.4.2» is none."""
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]
