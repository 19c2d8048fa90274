"""Asks the others what is known of an incident, all at once, each with a deadline.

What does not come in time is a value, not an error: the answer names it and the card or draft is made of the rest.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from afteraction.v1 import evidence_pb2, ingestion_service_pb2, memory_service_pb2, runbook_pb2
from services.drafting import messages
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.ranking import rank
from services.drafting.incident import Gathered, Incident, Runbook, Similar
from services.drafting.observations import Alert, Event, Observations, PatternChange, Signal
from services.drafting.ownership import Catalogue
from services.drafting.wording import counted
from shared.errors import AfteractionError
from shared.offload import Offload
from shared.timestamps import to_proto
from shared.window import Window

if TYPE_CHECKING:
    from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub

# An onset lies up to a metric's period after what began it.
BEFORE_ONSET = timedelta(seconds=90)
# Who declares an incident by hand noticed it some time after it began.
BEFORE_DECLARED = timedelta(minutes=15)
# What an incident that lasts for days still has to say, its first day says; and an answer stays of a bounded size.
LONGEST = timedelta(days=1)
# Slow metrics have a value in five minutes; twelve hours hold enough of them, and ingestion bounds what it answers.
BASELINE = timedelta(hours=12)
# After the recovery, for what people still say of it.
AFTERWARDS = timedelta(minutes=5)
MOST_SIMILAR, MOST_RUNBOOKS, MOST_STEPS, MOST_CAUSES = 5, 2, 8, 2


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that each question may take."""

    evidence_s: float = 1.2
    memory_s: float = 0.6


# Once there is a card, what was late may take its time.
PATIENT = Deadlines(evidence_s=30.0, memory_s=5.0)


class Gatherer:
    """Asks ingestion and memory."""

    def __init__(
        self,
        *,
        ingestion: "IngestionServiceAsyncStub",
        memory: "MemoryServiceAsyncStub",
        offload: Offload,
        catalogue: Catalogue,
        deadlines: Deadlines,
    ) -> None:
        self._ingestion = ingestion
        self._memory = memory
        self._offload = offload
        self._catalogue = catalogue
        self._deadlines = deadlines

    async def gather(self, incident: Incident, deadlines: Deadlines | None = None) -> Gathered:
        """Everything about `incident` up to its last transition; memory is asked with what ingestion answered.

        deadlines: in place of the usual ones.
        """
        allowed = deadlines or self._deadlines
        window, baseline = windows(incident)
        observed, missing = await self._observations(incident, window, baseline, allowed.evidence_s)
        similar, runbooks, missing_too = await self._similar(incident, observed, allowed.memory_s)
        owners = {
            service: owner
            for service in incident.facts.services or (incident.facts.service,)
            if (owner := self._catalogue.owner(service))
        }
        return Gathered(incident, observed, similar, runbooks, (*missing, *missing_too), owners)

    async def _observations(
        self, incident: Incident, window: Window, baseline: Window, deadline_s: float
    ) -> tuple[Observations, tuple[str, ...]]:
        request = ingestion_service_pb2.GetEvidenceRequest(
            stream=incident.facts.stream,
            window=_window(window),
            baseline=_window(baseline),
            max_patterns_per_service=30,
            max_traces=5,
            max_series_per_service=200,
            only_metrics=True,
            skip_baseline_times=True,
        )
        received: list[evidence_pb2.Observation] = []
        missing: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(deadline_s):
                async for response in self._ingestion.GetEvidence(request, timeout=deadline_s):
                    received.extend(response.observations)
        except (AfteractionError, TimeoutError) as error:
            part = "telemetry incomplete" if received else "telemetry unavailable"
            missing = (f"{part}: {_why(error)}",)
        found, unreadable = await self._offload.run(messages.observed, received, window, baseline)
        if unreadable:
            missing = (*missing, f"telemetry incomplete: {counted(unreadable, 'observation')} could not be read")
        return found, missing

    async def _similar(
        self, incident: Incident, observed: Observations, deadline_s: float
    ) -> tuple[tuple[Similar, ...], tuple[Runbook, ...], tuple[str, ...]]:
        # What the data alone points to; the past that is asked for here weighs in later.
        likely = await self._offload.run(rank, incident.facts, observed, [])
        causes = [one.mechanism for one in likely[:MOST_CAUSES] if one.kind is not CauseKind.UNKNOWN]
        request = memory_service_pb2.SearchSimilarRequest(
            query=query(incident, observed, causes),
            limit=10,
            stream=incident.facts.stream,
            as_of=to_proto(incident.facts.onset_at),
            filter=memory_service_pb2.Filter(exclude=[incident.name.replace("incidents/", "postmortems/")]),
        )
        try:
            async with asyncio.timeout(deadline_s):
                answer = await self._memory.SearchSimilar(request, timeout=deadline_s)
                found = [result for result in answer.results if messages.is_runbook(result)][:MOST_RUNBOOKS]
                runbooks = await asyncio.gather(*(self._runbook(result, deadline_s) for result in found))
            similar = [messages.similar(result) for result in answer.results if not messages.is_runbook(result)]
        except (AfteractionError, TimeoutError, ValueError, OverflowError) as error:
            return (), (), (f"memory unavailable: {_why(error)}",)
        return tuple(similar[:MOST_SIMILAR]), tuple(runbooks), ()

    async def _runbook(self, result: memory_service_pb2.SearchResult, deadline_s: float) -> Runbook:
        full: runbook_pb2.Runbook | None = None
        if result.runbook:
            full = await self._memory.GetRunbook(
                memory_service_pb2.GetRunbookRequest(name=result.runbook), timeout=deadline_s
            )
        return messages.runbook(result, full)


def nothing(incident: Incident, why: str) -> Gathered:
    """What is gathered when nothing can be used: detection's own words still make a card."""
    window, baseline = windows(incident)
    return Gathered(incident, Observations(window, baseline), missing=(why,))


def windows(incident: Incident) -> tuple[Window, Window]:
    """The window of the incident and the time before it, from event times alone.

    An open incident is seen up to its last transition, whatever came in since: the same card comes of the same data,
    however fast it arrived.
    """
    facts = incident.facts
    is_declared = any(one.signal is Signal.DECLARED for one in facts.anomalies)
    start = facts.onset_at - (BEFORE_DECLARED if is_declared else BEFORE_ONSET)
    known = max((entry.at for entry in incident.entries), default=facts.detected_at)
    end = max(known, facts.detected_at, facts.onset_at)
    if facts.recovered_at is not None and incident.is_over:
        end = min(max(facts.resolved_at or facts.recovered_at, facts.recovered_at), facts.recovered_at + AFTERWARDS)
    end = min(end + timedelta(seconds=1), start + LONGEST)
    return Window(start, end), Window(start - BASELINE, start)


def query(incident: Incident, observed: Observations, causes: Sequence[str] = ()) -> memory_service_pb2.Query:
    """What memory is asked: the symptoms in words, the patterns that are new, the alerts by name, the likely causes."""
    facts = incident.facts
    moved = sorted(
        (one for one in observed.log_patterns if one.change in (PatternChange.NEW, PatternChange.BURST) and one.count),
        key=lambda one: -one.count,
    )
    alerts = _alerts(incident, observed.events)
    return memory_service_pb2.Query(
        text=facts.title[:4096],
        services=_first(facts.services or (facts.service,), 200),
        alert_names=_first((alert.alert_name for alert in alerts), 200),
        symptoms=_first((f"{one.signal.value} of {one.service} {one.metric_name}" for one in facts.anomalies), 50),
        log_patterns=_first((one.template[:1000] for one in moved), 20),
        error_messages=_first((one.example[:1000] for one in moved if one.example), 10),
        probable_causes=_first((cause[:1000] for cause in causes), 10),
        runbook_urls=_first((alert.runbook_url for alert in alerts if alert.runbook_url), 50),
    )


def _alerts(incident: Incident, events: Sequence[Event]) -> list[Alert]:
    joined = [*events, *(entry.event for entry in incident.entries if entry.event is not None)]
    return [event.detail for event in joined if isinstance(event.detail, Alert)]


def _first(texts: Iterable[str], most: int) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))[:most]


def _window(window: Window) -> evidence_pb2.Window:
    return evidence_pb2.Window(start=to_proto(window.start), end=to_proto(window.end))


def _why(error: Exception) -> str:
    if isinstance(error, AfteractionError):
        return error.message
    return "it did not answer in time" if isinstance(error, TimeoutError) else "its answer could not be read"
