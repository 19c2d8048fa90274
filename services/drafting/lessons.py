"""What would have made it faster: the measured times from moment to moment, the longest of them, and what to ask."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from services.drafting.case import Case
from services.drafting.milestones import Milestone, Milestones
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement
from services.drafting.wording import between, clock, listed

_PHRASES = {
    ("change", "onset"): "from the change to the onset",
    ("onset", "detection"): "from the onset to its detection",
    ("detection", "page"): "from detection to the page",
    ("page", "acknowledgement"): "from the page to its acknowledgement",
    ("page", "diagnosis"): "from the page to the cause",
    ("acknowledgement", "diagnosis"): "from the acknowledgement to the cause",
    ("detection", "diagnosis"): "from detection to the cause",
    ("diagnosis", "mitigation"): "from the cause to the mitigation",
    ("mitigation", "recovery"): "from the mitigation to recovery",
}
# What a step that took longest says about where to look.
_ASKS = {
    "onset": "Which check after the change could have shown it sooner?",
    "detection": "Which signal moved before the one that was noticed?",
    "page": "What kept the page from going out when the incident was detected?",
    "acknowledgement": "What made it take that long until somebody could look?",
    "diagnosis": "What would have shown the cause sooner?",
    "mitigation": "What had to be done before the mitigation could start, and what of it can be prepared?",
    "recovery": "What made the mitigation slow to take effect?",
}
_NAMES = {
    "page": "when somebody was paged",
    "diagnosis": "when the cause was recognised",
    "mitigation": "what was done to end it, and when",
}


def lessons(case: Case, course: Milestones) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """What was measured, and what is asked."""
    moments = _distinct(course.in_order())
    said: list[Statement] = []
    if len(moments) >= 2:
        said += list(_steps(case, moments, is_each=case.is_major))
    asked = []
    slowest = _slowest(moments)
    if slowest is not None:
        earlier, later = slowest
        said.append(
            case.say(
                f"The longest step was {_phrase(earlier, later)}: {between(earlier.at, later.at)}.",
                earlier.key,
                later.key,
            )
        )
        asked.append(_ASKS.get(later.name, "What made this step the longest?"))
    for similar in case.gathered.similar[:1]:
        if similar.past.resolution:
            said.append(case.say("A similar incident was known before; the card named it.", similar.past.key, INCIDENT))
    return tuple(said), tuple(asked)


def unknown_moments(course: Milestones) -> tuple[str, ...]:
    """Moments that no data shows, as questions."""
    missing = [
        _NAMES[name]
        for name, moment in (("page", course.page), ("diagnosis", course.diagnosis), ("mitigation", course.mitigation))
        if moment is None
    ]
    return (f"No data says {listed(missing)}. Who knows?",) if missing else ()


def _steps(case: Case, moments: Sequence[Milestone], *, is_each: bool) -> Iterable[Statement]:
    first, last = moments[0], moments[-1]
    if is_each:
        for earlier, later in pairwise(moments):
            yield case.say(
                f"{between(earlier.at, later.at)} {_phrase(earlier, later)} "
                f"({clock(earlier.at)} to {clock(later.at)}).",
                earlier.key,
                later.key,
            )
    yield case.say(f"{between(first.at, last.at)} {_phrase(first, last)} in all.", first.key, last.key)


def _distinct(moments: Sequence[Milestone]) -> list[Milestone]:
    """Of moments at one time the later named, but for the onset, which the incident is counted from."""
    kept: list[Milestone] = []
    for moment in moments:
        if kept and f"{kept[-1].at:%H:%M}" == f"{moment.at:%H:%M}" and kept[-1].name in ("onset", "page"):
            if kept[-1].name == "onset" and moment.name == "detection":
                kept[-1] = moment
            continue
        kept.append(moment)
    return kept


def _slowest(moments: Sequence[Milestone]) -> tuple[Milestone, Milestone] | None:
    pairs = list(pairwise(moments))
    return max(pairs, key=lambda pair: pair[1].at - pair[0].at, default=None)


def _phrase(earlier: Milestone, later: Milestone) -> str:
    return _PHRASES.get((earlier.name, later.name), f"from the {earlier.name} to the {later.name}")
