"""Which log patterns tell the story, in order, with counts: the first one that departed, and where a trace points."""

from services.drafting.case import Case
from services.drafting.observations import PatternChange
from services.drafting.statements import Statement, quoted
from services.drafting.wording import clock, counted


def story(case: Case, most: int) -> list[Statement]:
    """The patterns that moved, the first that departed first."""
    chosen = case.moved_patterns()[:most]
    said = []
    for place, pattern in enumerate(
        sorted(chosen, key=lambda one: (one.first_seen_at or case.facts.onset_at, one.key))
    ):
        if pattern.first_seen_at is None:
            continue
        how = "was new" if pattern.change is PatternChange.NEW else "burst"
        first = "The first log pattern that departed" if place == 0 else "Another one"
        before = f", {pattern.baseline_count:,} before" if pattern.change is PatternChange.BURST else ""
        frame = f" It points to {pattern.root_frame}." if pattern.root_frame else ""
        said.append(
            case.say(
                f"{first} {how} at {clock(pattern.first_seen_at)}: {pattern.service} logged "
                f"{quoted(pattern.example or pattern.template)}, {counted(pattern.count, 'time')}{before}.{frame}",
                pattern.key,
            )
        )
    return said
