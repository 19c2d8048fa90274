"""What people do with incidents, over gRPC."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1 import incident_pb2 as incidents
from afteraction.v1 import incident_service_pb2 as pb
from shared.errors import Aborted, FailedPrecondition, NotFound
from tests.services.detection.conftest import Detection


async def declared(detection: Detection, service: str = "checkout-api", request_id: str = "") -> incidents.Incident:
    return await detection.incidents.DeclareIncident(pb.DeclareIncidentRequest(
        service=service, title=f"{service} is slow", severity=incidents.SEVERITY_P2, declared_by="ada",
        request_id=request_id))


async def test_retried_declaration_makes_one_incident(detection: Detection) -> None:
    first = await declared(detection, request_id="r1")

    again = await declared(detection, request_id="r1")

    assert again == first


async def test_acknowledged_twice_is_acknowledged_once(detection: Detection) -> None:
    name = (await declared(detection)).name
    request = pb.AcknowledgeIncidentRequest(name=name, responder="ada")

    first = await detection.incidents.AcknowledgeIncident(request)
    again = await detection.incidents.AcknowledgeIncident(request)

    assert first.state == incidents.INCIDENT_STATE_ACKNOWLEDGED
    assert again.revision == first.revision


async def test_resolved_incident_cannot_be_acknowledged_until_it_is_reopened(detection: Detection) -> None:
    name = (await declared(detection)).name
    await detection.incidents.ResolveIncident(pb.ResolveIncidentRequest(name=name, responder="ada"))

    with pytest.raises(FailedPrecondition, match="reopen it"):
        await detection.incidents.AcknowledgeIncident(pb.AcknowledgeIncidentRequest(name=name, responder="ada"))

    reopened = await detection.incidents.ReopenIncident(pb.ReopenIncidentRequest(name=name, responder="ada"))
    assert reopened.state == incidents.INCIDENT_STATE_OPEN


async def test_merged_incident_points_at_the_one_that_stays(detection: Detection) -> None:
    stays, goes = await declared(detection, "checkout-api"), await declared(detection, "payments")

    merged = await detection.incidents.MergeIncidents(pb.MergeIncidentsRequest(
        name=stays.name, others=[goes.name], responder="ada"))

    gone = await detection.incidents.GetIncident(pb.GetIncidentRequest(name=goes.name))
    assert list(merged.services) == ["checkout-api", "payments"]
    assert gone.merged_into == stays.name


async def test_split_takes_a_service_into_an_incident_of_its_own(detection: Detection) -> None:
    stays, goes = await declared(detection, "checkout-api"), await declared(detection, "payments")
    await detection.incidents.MergeIncidents(pb.MergeIncidentsRequest(name=stays.name, others=[goes.name],
                                                                     responder="ada"))

    left = await detection.incidents.SplitIncident(pb.SplitIncidentRequest(
        name=stays.name, services=["payments"], responder="ada"))

    rest = await detection.incidents.GetIncident(pb.GetIncidentRequest(name=stays.name))
    assert list(left.services) == ["payments"]
    assert list(rest.services) == ["checkout-api"]


async def test_update_with_a_stale_etag_changes_nothing(detection: Detection) -> None:
    before = await declared(detection)
    await detection.incidents.AcknowledgeIncident(pb.AcknowledgeIncidentRequest(name=before.name, responder="ada"))

    with pytest.raises(Aborted):
        await detection.incidents.UpdateIncident(pb.UpdateIncidentRequest(
            incident=incidents.Incident(name=before.name, severity=incidents.SEVERITY_P1, etag=before.etag),
            update_mask=FieldMask(paths=["severity"])))


async def test_watch_tells_every_transition_in_order(detection: Detection) -> None:
    name = (await declared(detection)).name
    await detection.incidents.AcknowledgeIncident(pb.AcknowledgeIncidentRequest(name=name, responder="ada"))
    await detection.incidents.ResolveIncident(pb.ResolveIncidentRequest(name=name, responder="ada"))

    seen = []
    async for each in detection.incidents.WatchIncidents(pb.WatchIncidentsRequest()):
        seen.append((each.position, each.transition))
        if len(seen) == 3:
            break

    kinds = incidents.TimelineEntry
    assert seen == [(1, kinds.KIND_DECLARED), (2, kinds.KIND_ACKNOWLEDGED), (3, kinds.KIND_RESOLVED)]


async def test_unknown_incident_is_not_found(detection: Detection) -> None:
    with pytest.raises(NotFound, match="there is no incidents/nothing"):
        await detection.incidents.GetIncident(pb.GetIncidentRequest(name="incidents/nothing"))
