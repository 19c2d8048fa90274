"""Which log patterns tell the story, in order, with counts: the first one that departed, and where a trace points."""

from collections.abc import Sequence

from services.drafting.case import Case
from services.drafting.observations import LogPatternWindow, PatternChange
from services.drafting.statements import Statement, quoted
from services.drafting.wording import clock, counted

# Of the most frequent pattern's lines; what has fewer is left out.
STRAGGLERS = 0.002


def story(case: Case, most: int) -> list[Statement]:
    """The patterns that moved, the first that departed first."""
    chosen = telling(case.moved_patterns())[:most]
    said = []
    for place, pattern in enumerate(
        sorted(chosen, key=lambda one: (one.first_seen_at or case.facts.onset_at, one.key))
    ):
        if pattern.first_seen_at is None:
            continue
        how = "was new" if pattern.change is PatternChange.NEW else "burst"
        first = "The first log pattern that departed" if place == 0 else "Another one"
        before = f", {pattern.baseline_count:,} before" if pattern.change is PatternChange.BURST else ""
        frame = f" It points to {quoted(pattern.root_frame, 120)}." if pattern.root_frame else ""
        said.append(
            case.say(
                f"{first} {how} at {clock(pattern.first_seen_at)}: {pattern.service} logged "
                f"{quoted(pattern.example or pattern.template)}, {counted(pattern.count, 'time')}{before}.{frame}",
                pattern.key,
            )
        )
    return said


def course_of_log(case: Case, told: LogPatternWindow | None = None, most: int = 4) -> list[Statement]:
    """The same in one sentence, for prose; `told` is named elsewhere with its words and its count."""
    chosen = [one for one in telling(case.moved_patterns())[:most] if one.first_seen_at is not None and one != told]
    ordered = sorted(chosen, key=lambda one: (one.first_seen_at or case.facts.onset_at, one.key))
    if not ordered:
        return []
    services = {one.service for one in ordered}
    parts = [
        f"{'' if len(services) == 1 else f'{one.service} '}{quoted(one.example or one.template, 160)} "
        f"({'new' if one.change is PatternChange.NEW else 'a burst'}, from "
        f"{clock(one.first_seen_at or case.facts.onset_at)} on, {counted(one.count, 'line')}{_root(one)})"
        for one in ordered
    ]
    where = f"In the log of {ordered[0].service}" if len(services) == 1 else "In the logs"
    what = "also departed" if told else "departed"
    return [case.say(f"{where} {what}, in this order: {', then '.join(parts)}.", *(one.key for one in ordered))]


def telling(patterns: Sequence[LogPatternWindow]) -> list[LogPatternWindow]:
    """Those that tell something: a line or two beside thousands are a straggler of a pattern that is told already."""
    most = max((one.count for one in patterns), default=0)
    return [one for one in patterns if one.count >= most * STRAGGLERS]


def _root(pattern: LogPatternWindow) -> str:
    return f", raised in {quoted(pattern.root_frame, 120)}" if pattern.root_frame else ""
