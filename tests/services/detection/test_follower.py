"""The log in, incidents out: once each, whatever happens in between."""

from afteraction.v1.incident_pb2 import (
    INCIDENT_STATE_OPEN,
    INCIDENT_STATE_RESOLVED,
    SEVERITY_P1,
    TimelineEntry,
)
from afteraction.v1.incident_service_pb2 import (
    DeclareIncidentRequest,
    GetStreamRequest,
    ListIncidentsRequest,
    MergeIncidentsRequest,
    ResolveIncidentRequest,
    SplitIncidentRequest,
)
from afteraction.v1.ingestion_service_pb2 import TailResponse
from services.detection import checkpoints
from shared.timestamps import from_proto, required
from tests.services.detection.conftest import Detection
from tests.services.detection.outage import alert, deploy, minute, rows


async def listed(detection: Detection) -> list:  # type: ignore[type-arg]
    answer = await detection.incidents.ListIncidents(ListIncidentsRequest(stream="t"))
    return list(answer.incidents)


async def test_outage_becomes_one_incident_from_its_first_to_its_last_minute(detection: Detection) -> None:
    await detection.read(rows(out=range(100, 120)))

    [incident] = await listed(detection)
    assert from_proto(incident.onset_at) == minute(100)
    assert required(incident.detected_at) == minute(101)
    assert from_proto(incident.recovered_at) == minute(120)
    assert from_proto(incident.resolved_at) == minute(125)
    assert incident.state == INCIDENT_STATE_RESOLVED
    assert incident.severity == SEVERITY_P1
    assert incident.service == "checkout-api"


async def test_quiet_stream_opens_nothing(detection: Detection) -> None:
    await detection.read(rows(out=range(0)))

    assert await listed(detection) == []


async def test_outage_that_lasts_to_the_end_of_the_stream_stays_open(detection: Detection) -> None:
    await detection.read(rows(out=range(130, 150)))

    [incident] = await listed(detection)
    assert not incident.HasField("recovered_at")


async def test_deploy_before_the_onset_is_attached_with_its_distance(detection: Detection) -> None:
    await detection.read(rows(events=(deploy(88),)))

    [incident] = await listed(detection)
    [change] = incident.changes
    assert change.event.deploy.version == "v2"
    assert change.before_onset.seconds == 12 * 60
    assert change.hops == 0


async def test_firing_alert_opens_an_incident_that_its_end_resolves(detection: Detection) -> None:
    await detection.read(rows(out=range(0), events=(alert(60, firing=True), alert(70, firing=False))))

    [incident] = await listed(detection)
    assert from_proto(incident.onset_at) == minute(60)
    assert from_proto(incident.recovered_at) == minute(70)
    assert incident.state == INCIDENT_STATE_RESOLVED


async def test_stream_tells_how_far_detection_has_come(detection: Detection) -> None:
    written = rows()

    await detection.read(written)

    stream = await detection.incidents.GetStream(GetStreamRequest(stream="t"))
    assert stream.position == written[-1].position
    assert stream.is_closed


async def test_reader_that_dies_at_any_row_makes_the_same_incidents(detection: Detection) -> None:
    written = rows()
    follower = await detection.read(written[:60])
    await follower.keep_checkpoint()
    for end in (101, 110, 119, 121, 124):
        await detection.read(written[len(detection.log.rows):end])  # each a fresh start from the checkpoint

    await detection.read(written[124:])

    [incident] = await listed(detection)
    assert from_proto(incident.onset_at) == minute(100)
    assert from_proto(incident.recovered_at) == minute(120)
    kinds = [entry.kind for entry in incident.timeline]
    texts = [(entry.kind, entry.text, entry.occurred_at.seconds) for entry in incident.timeline]
    assert len(texts) == len(set(texts))
    assert kinds.count(1) == 1
    assert detection.log.forgotten == 60


async def test_series_that_a_closed_stream_has_too_are_known_after_a_restart(detection: Detection) -> None:
    """Tail tells each series once, with the first row that has it: here with a row of a stream that is over."""
    first, second = rows(stream="u", out=range(0)), rows(first_position=152)
    for row in second:
        row.ClearField("series")
    await detection.read(first)

    await detection.read(second)

    [incident] = await listed(detection)
    assert from_proto(incident.onset_at) == minute(100)


def both() -> list[TailResponse]:
    """Two services that fail at the same time, of which no call is known; payments is well three minutes earlier."""
    shop, payments = rows(closed=True), rows(service="payments", out=range(101, 117), seed=2)
    found = [row for pair in zip(shop, payments, strict=True) for row in pair][:-1]
    found[-1].is_closed = True
    for position, row in enumerate(found, 1):
        row.position = position
    return found


async def test_split_parts_and_merged_incidents_follow_telemetry_to_their_ends(detection: Detection) -> None:
    written = both()
    await detection.read(written[:210])
    [whole] = await listed(detection)
    part = await detection.incidents.SplitIncident(SplitIncidentRequest(
        name=whole.name, services=["payments"], responder="ada"))
    other = await detection.incidents.DeclareIncident(DeclareIncidentRequest(
        stream="t", service="warehouse", title="parcels wait", severity=SEVERITY_P1))
    await detection.incidents.MergeIncidents(MergeIncidentsRequest(
        name=other.name, others=[part.name], responder="ada"))

    await detection.read(written[210:])

    ended = {each.name: each for each in await listed(detection)}
    assert ended[whole.name].state == INCIDENT_STATE_RESOLVED
    assert from_proto(ended[whole.name].recovered_at) == minute(120)
    assert list(ended[whole.name].services) == ["checkout-api"]
    assert ended[part.name].merged_into == other.name
    recovered = {each.service: from_proto(each.recovered_at) for each in ended[other.name].anomalies}
    assert recovered == {"payments": minute(117), "warehouse": None}
    assert ended[other.name].state == INCIDENT_STATE_OPEN, "what a person declared a person resolves"


async def test_new_symptom_opens_again_what_a_person_resolved_too_early(detection: Detection) -> None:
    written = both()
    await detection.read(written[:203])  # checkout-api is out, payments not yet
    [incident] = await listed(detection)
    detection.clock.set(minute(101))
    await detection.incidents.ResolveIncident(ResolveIncidentRequest(name=incident.name, responder="ada"))

    await detection.read(written[203:])

    [again] = await listed(detection)
    assert [entry.kind for entry in again.timeline].count(TimelineEntry.KIND_REOPENED) == 1
    assert again.state == INCIDENT_STATE_RESOLVED
    assert from_proto(again.recovered_at) == minute(120)


async def test_checkpoint_that_cannot_be_read_costs_a_second_reading(detection: Detection) -> None:
    written = rows()
    follower = await detection.read(written[:110])
    await follower.keep_checkpoint()
    await detection.store.keep_checkpoint(follower.position, checkpoints.version(), b"torn")

    await detection.read(written[110:])

    [incident] = await listed(detection)
    assert from_proto(incident.onset_at) == minute(100)
    assert from_proto(incident.recovered_at) == minute(120)


def until_an_alert(stream: str) -> list[TailResponse]:
    """What is known when an alert has just come in: the watermark lies a minute before it, and nothing comes after."""
    written = rows(stream=stream, out=range(0), events=(alert(60, firing=True),))[:61]
    written[-1].watermark.FromDatetime(minute(59))
    return written


async def test_alert_in_the_live_stream_waits_for_no_other_sender(detection: Detection) -> None:
    detection.clock.set(minute(61))

    await detection.read(until_an_alert("live"))

    answer = await detection.incidents.ListIncidents(ListIncidentsRequest(stream="live"))
    assert [from_proto(incident.onset_at) for incident in answer.incidents] == [minute(60)]


async def test_alert_of_a_replay_takes_its_turn(detection: Detection) -> None:
    detection.clock.set(minute(61))

    await detection.read(until_an_alert("t"))

    assert not await listed(detection)
