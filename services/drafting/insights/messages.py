"""Incidents, post-mortems and runbooks as facts; measures and survival as messages."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from afteraction.v1 import insight_pb2
from afteraction.v1.event_pb2 import Event, Page
from afteraction.v1.incident_pb2 import Incident
from afteraction.v1.postmortem_pb2 import Postmortem as PostmortemMessage
from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.insights.facts import IncidentFacts, PostmortemFacts, RunbookFacts
from services.drafting.insights.measures import Measure
from services.drafting.insights.survival import SectionSurvival, overall
from services.drafting.publishing.titles import failure
from services.drafting.review.life import DRAFTER, Postmortem
from services.drafting.store.postmortem_parts import Entry
from shared.timestamps import from_proto, required, to_proto

# The categories that a contributing factor has; other tags are the reviewers' own.
CATEGORIES = frozenset({"deployment", "database", "third-party", "capacity", "configuration", "monitoring",
                        "dependency", "network", "security", "data", "process"})


def incident_facts(incident: Incident) -> IncidentFacts:
    """The moments of an incident; the first page that was acknowledged counts where the incident itself was not."""
    paged = (required(each.occurred_at) for each in incident.timeline
             if each.event.page.state == Page.STATE_ACKNOWLEDGED)
    return IncidentFacts(
        name=incident.name, title=incident.title, service=incident.service, severity=incident.severity,
        onset_at=required(incident.onset_at), detected_at=from_proto(incident.detected_at),
        acknowledged_at=from_proto(incident.acknowledged_at) or min(paged, default=None),
        mitigated_at=_mitigated(incident), recovered_at=from_proto(incident.recovered_at),
        resolved_at=from_proto(incident.resolved_at))


def _mitigated(incident: Incident) -> datetime | None:
    """The first change made after detection and before recovery: a rollback, a flag, a setting."""
    detected, recovered = from_proto(incident.detected_at), from_proto(incident.recovered_at)
    if detected is None:
        return None
    made = [required(each.occurred_at) for each in incident.timeline if _is_remedy(each.event)]
    made += [required(each.event.occurred_at) for each in incident.changes if _is_remedy(each.event)]
    return min((at for at in made if at >= detected and (recovered is None or at <= recovered)), default=None)


def _is_remedy(event: Event) -> bool:
    return event.deploy.is_rollback or event.HasField("flag_change") or event.HasField("config_change")


def postmortem_facts(postmortem: Postmortem, audit: Iterable[Entry], sections: Sequence[SectionSurvival],
                     resembles: Sequence[str] = ()) -> PostmortemFacts:
    """The life of a post-mortem. Its tags say the factors where people kept them up to date."""
    message = PostmortemMessage.FromString(postmortem.drafted)
    drafted = [each.category for each in message.factors]
    return PostmortemFacts(
        name=postmortem.name, incident=postmortem.incident, title=postmortem.title,
        service=postmortem.services[0] if postmortem.services else "", onset_at=postmortem.onset_at,
        created_at=postmortem.created_at, latency_s=postmortem.latency_s, published_at=postmortem.published_at,
        factors=tuple(dict.fromkeys(tag for tag in postmortem.tags if tag in CATEGORIES) or dict.fromkeys(drafted)),
        touched=tuple(each.occurred_at for each in audit if each.actor != DRAFTER), sections=tuple(sections),
        failure=failure(message, ""), resembles=tuple(resembles))


def runbook_facts(runbook: Runbook) -> RunbookFacts:
    return RunbookFacts(runbook.name, runbook.title, runbook.times_used, from_proto(runbook.last_verified_at))


def insights(measures: Iterable[Measure], start: datetime | None, end: datetime | None) -> insight_pb2.Insights:
    """The measures of the incidents that began in [start, end)."""
    return insight_pb2.Insights(
        until=to_proto(end), **{"from": to_proto(start)},
        measures=[insight_pb2.Measure(
            name=each.name, title=each.title, unit=each.unit, service=each.service, severity=each.severity,
            value=each.value, median=each.median, p90=each.p90, count=each.count, sources=each.sources)
            for each in measures])


def survival(postmortems: Iterable[PostmortemFacts]) -> insight_pb2.Survival:
    """A row for each section of each post-mortem that was published, and the share of all their words."""
    published = [each for each in postmortems if each.sections]
    return insight_pb2.Survival(
        survival=overall(tuple(section for each in published for section in each.sections)) if published else 0.0,
        rows=[insight_pb2.Survival.Row(
            postmortem=each.name, section=section.section.name.lower(), drafted_words=section.drafted,
            surviving_words=section.surviving, published_words=section.published, survival=section.share)
            for each in published for section in each.sections])
