"""What would have made it faster: the measured times from moment to moment, grouped by what they were spent on."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from services.drafting.case import Case
from services.drafting.early_signs import early_signs
from services.drafting.measured import measure
from services.drafting.milestones import Milestone, Milestones
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement
from services.drafting.wording import between, clock, listed

_NAMES = {
    "change": "the change",
    "onset": "the onset",
    "detection": "its detection",
    "page": "the page",
    "acknowledgement": "the acknowledgement",
    "diagnosis": "the recognised cause",
    "mitigation": "the mitigation",
    "recovery": "recovery",
}
# What the time up to a moment was spent on.
_PHASES = (
    ("Detection", ("onset", "detection")),
    ("Investigation", ("page", "acknowledgement", "diagnosis")),
    ("Resolution", ("mitigation", "recovery")),
)
# What a step that took longest says about where to look.
_ASKS = {
    "onset": "Which check right after the change could have shown it?",
    "detection": "Which signal moved before the one that was noticed?",
    "page": "What kept the page from going out when the incident was detected?",
    "acknowledgement": "What made it take that long until somebody could look?",
    "diagnosis": "What would have shown the cause sooner?",
    "mitigation": "What had to be done before the mitigation could start, and what of it can be prepared?",
    "recovery": "What ended it, and what would have ended it sooner?",
}
_ASKED = {
    "page": "when somebody was paged",
    "diagnosis": "when the cause was recognised",
    "mitigation": "what was done to end it, and when",
}


def lessons(case: Case, course: Milestones) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """What was measured, and what is asked."""
    moments = _distinct(course.in_order())
    said: list[Statement] = []
    if len(moments) >= 2:
        said += _phases(case, moments) if case.is_major else []
        said.append(_in_all(case, moments))
    said += _sooner(case, course)
    asked = []
    slowest = _slowest(moments)
    if slowest is not None:
        asked.append(_ASKS.get(slowest[1].name, "What made this step the longest?"))
    for similar in case.gathered.similar[:1]:
        if similar.past.resolution:
            said.append(case.say("A similar incident was known before; the card named it.", similar.past.key, INCIDENT))
    return tuple(said), tuple(asked)


def unknown_moments(course: Milestones) -> tuple[str, ...]:
    """Moments that no data shows, as questions."""
    missing = [
        _ASKED[name]
        for name, moment in (("page", course.page), ("diagnosis", course.diagnosis), ("mitigation", course.mitigation))
        if moment is None
    ]
    return (f"No data says {listed(missing)}. Who knows?",) if missing else ()


def _phases(case: Case, moments: Sequence[Milestone]) -> Iterable[Statement]:
    """A sentence for detecting, one for investigating, one for resolving."""
    steps = list(pairwise(moments))
    for phase, names in _PHASES:
        chosen = [(earlier, later) for earlier, later in steps if later.name in names]
        if not chosen:
            continue
        told = [f"{between(earlier.at, later.at)} from {_NAMES[earlier.name]} to {_NAMES[later.name]} "
                f"({clock(earlier.at)} to {clock(later.at)})" for earlier, later in chosen]
        yield case.say(f"{phase} took {listed(told)}.", *(one.key for pair in chosen for one in pair))


def _in_all(case: Case, moments: Sequence[Milestone]) -> Statement:
    first, last = moments[0], moments[-1]
    slowest = _slowest(moments)
    longest = ""
    keys = [first.key, last.key]
    if slowest is not None and len(moments) > 2:
        earlier, later = slowest
        keys += [earlier.key, later.key]
        longest = (f"; the longest step, {between(earlier.at, later.at)}, was that from {_NAMES[earlier.name]} to "
                   f"{_NAMES[later.name]}")
    return case.say(f"In all {between(first.at, last.at)} passed from {_NAMES[first.name]} to {_NAMES[last.name]}"
                    f"{longest}.", *keys)


def _sooner(case: Case, course: Milestones) -> list[Statement]:
    """What data says could have been seen, or done, sooner."""
    if not case.is_major:
        return []
    said = [case.say(f"It could be seen {between(sign.detected_at, course.detection.at)} earlier: "
                     f"{measure(sign)} had left its baseline at {clock(sign.detected_at)}.", sign.key, INCIDENT)
            for sign in early_signs(case)[:1]]
    if course.diagnosis is not None and course.mitigation is not None and course.recovery is not None:
        waited, worked = course.mitigation.at - course.diagnosis.at, course.recovery.at - course.mitigation.at
        if waited > worked:
            said.append(case.say(
                f"More time passed from the recognised cause to the mitigation "
                f"({between(course.diagnosis.at, course.mitigation.at)}) than the mitigation took to work "
                f"({between(course.mitigation.at, course.recovery.at)}).",
                course.diagnosis.key, course.mitigation.key, course.recovery.key))
    return said


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
