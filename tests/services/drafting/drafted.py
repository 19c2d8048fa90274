"""The recorded incident of recorded.py as a case on the desk, for whoever tests what is written from it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from afteraction.v1 import event_pb2, evidence_pb2, incident_pb2
from services.drafting import messages
from services.drafting.case import Case, Policy
from services.drafting.gather import windows
from services.drafting.incident import Gathered, Similar
from services.drafting.observations import Event, Observations, Severity
from tests.services.drafting import recorded


def case(
    *,
    policy: Policy | None = None,
    line: str = "",
    extra: Sequence[evidence_pb2.Observation] = (),
    without: str = "",
    events: Sequence[event_pb2.Event] | None = None,
    incident: incident_pb2.Incident | None = None,
    severity: Severity | None = None,
    missing: tuple[str, ...] = (),
    owners: Mapping[str, str] | None = None,
    similar: tuple[Similar, ...] = (),
) -> Case:
    """line: the example of the new log pattern; without: a kind of observation that was not made; events: in place of
    those that were recorded."""
    known = messages.incident(incident or recorded.incident(is_over=True))
    if severity is not None:
        known = replace(known, facts=replace(known.facts, severity=severity))
    window, baseline = windows(known)
    made = [one for one in recorded.observations(*extra) if one.WhichOneof("kind") != without]
    if line:
        made = [recorded.pattern(line) if one.WhichOneof("kind") == "log_pattern" else one for one in made]
    if events is not None:
        made = [one for one in made if one.WhichOneof("kind") != "event"]
        made += [evidence_pb2.Observation(event=event) for event in events]
        known = replace(known, facts=replace(known.facts, changes=()))
    observed: Observations = messages.observations(made, window, baseline)
    gathered = Gathered(known, observed, similar=similar, missing=missing, owners=dict(owners or {}))
    return Case(gathered, policy or Policy())


def event_of(desk: Case, identifier: str) -> Event:
    """The event with that id."""
    return next(event for event in desk.events if event.id == identifier)
