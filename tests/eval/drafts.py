"""Drafts from real timelines against what their teams wrote, section by section, beside a bare template.

    python -m tests.eval.drafts DATA

DATA holds `gold.jsonl`: post-mortems of teams, cut into sections, with their timelines. Of each only the title and the
timeline go in, every line as a responder's note; what comes out is compared with the team's own sections: ROUGE-L (the
longest common run of words, F1) and the cosine of sentence embeddings. There is no telemetry in it, so this is what a
draft is worth where only people wrote something down. Every draft is checked for what no evidence holds.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.drafting.case import Case, Policy
from services.drafting.drafts.draft import Draft
from services.drafting.drafts.sections import draft
from services.drafting.drafts.truth import problems, problems_in
from services.drafting.gather import windows
from services.drafting.incident import Gathered, Incident, State
from services.drafting.markdown.document import SectionKind, parse
from services.drafting.observations import Event, IncidentFacts, Note, Observations, Severity
from services.drafting.rendering import Renderer
from services.memory.embedding import Encoder

_SECTIONS: Mapping[str, SectionKind] = {
    "summary": SectionKind.SUMMARY,
    "timeline": SectionKind.TIMELINE,
    "root_cause": SectionKind.ROOT_CAUSE,
    "factors": SectionKind.FACTORS,
    "impact": SectionKind.IMPACT,
    "actions": SectionKind.ACTION_ITEMS,
    "lessons": SectionKind.LESSONS,
}
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)\s*([AaPp][Mm])?")
_WORD = re.compile(r"\w+")
_MARK = re.compile(r"\[\^E\d+\]")
_LONGEST = 800
_ANY_DAY = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Compared:
    """One section of one post-mortem: how close the draft and the bare template come to the team's text."""

    section: str
    rouge: float
    bare_rouge: float
    similarity: float
    bare_similarity: float


def main(data: Path) -> int:
    """Measures and prints; 2 when there is nothing to measure, 1 when a draft says what no evidence holds."""
    gold = data / "gold.jsonl"
    if not gold.is_file():
        print(f"{gold} is not there; name the folder with DATA=", file=sys.stderr)
        return 2
    rows = [json.loads(line) for line in gold.read_text(encoding="utf-8").splitlines() if line.strip()]
    encoder, renderer = Encoder(), Renderer()
    compared: list[Compared] = []
    used, untrue = 0, 0
    for row in rows:
        notes = read_timeline(row["timeline"])
        if len(notes) < 2:
            continue
        used += 1
        written = renderer.draft(draft(case(row["title"], notes)))
        found = [*problems(written), *problems_in(written.markdown, {one.id: one for one in written.evidence})]
        untrue += len(found)
        for one in found:
            print(f"{row['id']}: no evidence holds {one.what!r}: {one.statement.text}")
        compared += compare(row["sections"], written, bare(row["title"], notes), encoder)
    print(f"{used} of {len(rows)} post-mortems have a timeline with two times or more; {untrue} sentences unheld")
    print(table(compared))
    return 1 if untrue else 0


def read_timeline(rows: Sequence[Mapping[str, Any]]) -> list[tuple[datetime, str]]:
    """Times and texts in order; a time of day without a date is on the day before it, or the next one."""
    found: list[tuple[datetime, str]] = []
    day = _ANY_DAY
    for row in rows:
        date, clock = _DATE.search(row["time"]), _CLOCK.search(row["time"])
        if date:
            day = datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=UTC)
        if clock is None or int(clock[1]) > 23 or not row["text"].strip():
            continue
        hour = int(clock[1]) % 12 + (12 if clock[3].lower() == "pm" else 0) if clock[3] else int(clock[1])
        at = day.replace(hour=hour, minute=int(clock[2]))
        if found and at < found[-1][0]:
            day += timedelta(days=1)
            at += timedelta(days=1)
        found.append((at, " ".join(row["text"].split())))
    return found


def case(title: str, notes: Sequence[tuple[datetime, str]]) -> Case:
    """The timeline as what responders noted of a declared incident."""
    onset, over = notes[0][0], notes[-1][0]
    facts = IncidentFacts(
        name="incidents/gold", stream="eval", onset_at=onset, detected_at=onset, service="platform",
        services=("platform",), severity=Severity.P2, title=title, recovered_at=over, resolved_at=over)
    incident = Incident(facts, State.RESOLVED)
    window, baseline = windows(incident)
    events = tuple(Event(f"note-{number}", at, Note(text), service="platform", source="timeline")
                   for number, (at, text) in enumerate(notes))
    return Case(Gathered(incident, Observations(window, baseline, events=events)), Policy())


def bare(title: str, notes: Sequence[tuple[datetime, str]]) -> dict[str, str]:
    """What a template gives that nobody has filled in: the title, the times, the timeline as it was typed."""
    empty = dict.fromkeys(_SECTIONS, "TBD")
    lines = "\n".join(f"{at:%H:%M} {text}" for at, text in notes)
    return empty | {"summary": f"{title}, from {notes[0][0]:%H:%M} to {notes[-1][0]:%H:%M}.", "timeline": lines}


def compare(
    reference: Mapping[str, str], written: Draft, template: Mapping[str, str], encoder: Encoder
) -> Iterable[Compared]:
    """Each section that the team wrote."""
    document = parse(written.markdown)
    for name, kind in _SECTIONS.items():
        text = reference.get(name, "").strip()
        section = document.section(kind)
        if not text or section is None:
            continue
        mine = _plain(section.body)
        vectors = encoder.encode([text, mine or "nothing", template[name]])
        yield Compared(name, rouge_l(text, mine), rouge_l(text, template[name]),
                       float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2]))


def rouge_l(reference: str, candidate: str) -> float:
    """F1 of the longest common subsequence of words (Lin, 2004)."""
    left, right = (_WORD.findall(text.casefold())[:_LONGEST] for text in (reference, candidate))
    if not left or not right:
        return 0.0
    lengths = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for place, other in enumerate(right, 1):
            diagonal, lengths[place] = lengths[place], (
                diagonal + 1 if word == other else max(lengths[place], lengths[place - 1]))
    common = lengths[-1]
    return 2 * common / (len(left) + len(right))


def table(compared: Sequence[Compared]) -> str:
    """A line a section: the mean of each measure, for the draft and for the bare template."""
    groups: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        groups[one.section].append(one)
    rows = [f"{'section':<12}{'n':>4}{'ROUGE-L':>10}{'bare':>8}{'embedding':>12}{'bare':>8}"]
    for name, those in [*((name, groups[name]) for name in _SECTIONS if groups[name]), ("all", list(compared))]:
        means = [sum(getattr(one, measure) for one in those) / len(those)
                 for measure in ("rouge", "bare_rouge", "similarity", "bare_similarity")]
        rows.append(f"{name:<12}{len(those):>4}{means[0]:>10.3f}{means[1]:>8.3f}{means[2]:>12.3f}{means[3]:>8.3f}")
    return "\n".join(rows)


def _plain(markdown: str) -> str:
    lines = [line for line in _MARK.sub("", markdown).splitlines() if not line.startswith((">", "|---"))]
    return "\n".join(lines).strip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
