"""What would have made it faster: the measured times from moment to moment, grouped by what they were spent on."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from services.drafting.case import Case
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.measured import measure
from services.drafting.drafts.milestones import Milestone, Milestones
from services.drafting.drafts.used_up import limit_line
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted
from services.drafting.wording import between, clock, listed

_NAMES = {
    "change": "the change",
    "onset": "the onset",
    "detection": "detection",
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
# Sooner by less is the same moment.
LATER = timedelta(minutes=2)
_ASKED = {
    "page": "when somebody was paged",
    "diagnosis": "when the cause was recognised",
    "mitigation": "what ended it",
}


def lessons(case: Case, course: Milestones) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """What was measured, and what is asked."""
    moments = _apart(_distinct(course.in_order()))
    said: list[Statement] = []
    if len(moments) >= 2:
        is_long = moments[-1].at - moments[0].at >= LATER
        said += _phases(case, moments) if case.is_major and is_long else []
        # Of three moments the phases have told every step.
        said += [_in_all(case, moments)] if not said or len(moments) > 3 else []
    said += _sooner(case, course)
    asked = []
    slowest = _slowest(moments)
    if slowest is not None:
        asked.append(_ASKS.get(slowest[1].name, "What made this step the longest?"))
    for similar in case.gathered.similar[:1]:
        if similar.past.resolution:
            said.append(case.say(
                f"A similar incident was known ({quoted(similar.past.title, 100)}), and the card named what fixed it.",
                similar.past.key, INCIDENT))
    return tuple(said), tuple(asked)


def unknown_moments(course: Milestones) -> tuple[str, ...]:
    """Moments that no data shows, as questions."""
    missing = [
        _ASKED[name]
        for name, moment in (("page", course.page), ("diagnosis", course.diagnosis), ("mitigation", course.mitigation))
        if moment is None
    ]
    return (f"Not recorded: {listed(missing)}. What is known of that?",) if missing else ()


def _phases(case: Case, moments: Sequence[Milestone]) -> Iterable[Statement]:
    """A sentence for detecting, one for investigating, one for resolving."""
    steps = list(pairwise(moments))
    for phase, names in _PHASES:
        chosen = [(earlier, later) for earlier, later in steps if later.name in names]
        if not chosen:
            continue
        told = [f"{between(earlier.at, later.at)} from {_NAMES[earlier.name]} ({clock(earlier.at)}) to "
                f"{_NAMES[later.name]} ({clock(later.at)})" for earlier, later in chosen]
        yield case.say(f"{phase}: {listed(told)}.", *(one.key for pair in chosen for one in pair))


def _in_all(case: Case, moments: Sequence[Milestone]) -> Statement:
    first, last = moments[0], moments[-1]
    slowest = _slowest(moments)
    longest = ""
    keys = [first.key, last.key]
    if slowest is not None and between(slowest[0].at, slowest[1].at) != between(first.at, last.at):
        earlier, later = slowest
        keys += [earlier.key, later.key]
        longest = (f"; the longest step, {between(earlier.at, later.at)}, was from {_NAMES[earlier.name]} to "
                   f"{_NAMES[later.name]}")
    return case.say(f"It took {between(first.at, last.at)} from {_NAMES[first.name]} to {_NAMES[last.name]}{longest}.",
                    *keys)


def _sooner(case: Case, course: Milestones) -> Iterable[Statement]:
    """What data says could have been told sooner: by a measure, by a line of the log, by acting on the known cause."""
    if not case.is_major:
        return
    for sign in early_signs(case)[:1]:
        yield case.say(
            f"To detect it sooner: {measure(sign)} left its baseline at {clock(sign.detected_at)}, "
            f"{between(sign.detected_at, course.detection.at)} before detection.", sign.key, INCIDENT)
    limit, known = limit_line(case), course.diagnosis
    named_at = limit.first_seen_at if limit is not None else None
    if limit is not None and named_at is not None and known is not None and known.at - named_at >= LATER:
        yield case.say(
            f"To find the cause sooner: the log of {limit.service} named the limit at "
            f"{clock(named_at)}, {between(named_at, known.at)} before the cause was "
            "recognised.", limit.key, known.key)
    acted, over = course.mitigation, course.recovery
    if known is not None and acted is not None and over is not None and acted.at - known.at > over.at - acted.at:
        yield case.say(
            f"To end it sooner: of the {between(known.at, over.at)} from the recognised cause to recovery, "
            f"{between(known.at, acted.at)} passed before the mitigation began.", known.key, acted.key, over.key)


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


def _apart(moments: Sequence[Milestone]) -> list[Milestone]:
    """Of several at the very same time the first; there is no step between them."""
    return [one for place, one in enumerate(moments) if place == 0 or one.at > moments[place - 1].at]


def _slowest(moments: Sequence[Milestone]) -> tuple[Milestone, Milestone] | None:
    pairs = list(pairwise(moments))
    return max(pairs, key=lambda pair: pair[1].at - pair[0].at, default=None)
