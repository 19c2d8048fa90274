"""The RPC surface of detection: parse, call, make messages."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from afteraction.v1 import incident_pb2, incident_service_pb2_grpc
from afteraction.v1 import incident_service_pb2 as pb
from services.detection import lifecycle, messages
from services.detection.incident import LIVE, Incident, Kind, Severity
from services.detection.store import Filter, Store
from services.detection.watch import Watch
from shared.clock import Clock
from shared.errors import InvalidArgument
from shared.names import deterministic_id, resource
from shared.rpc.field_mask import masked_fields
from shared.rpc.paging import decode_token, encode_token, page_size
from shared.rpc.server import Context
from shared.timestamps import from_proto, to_proto

_UPDATABLE = ("severity", "title", "tags", "ticket_url")


class IncidentService(incident_service_pb2_grpc.IncidentServiceServicer):
    """Incidents and their life over gRPC."""

    def __init__(self, *, store: Store, watch: Watch, clock: Clock) -> None:
        self._store = store
        self._watch = watch
        self._clock = clock

    async def DeclareIncident(self, request: pb.DeclareIncidentRequest, context: Context) -> incident_pb2.Incident:
        now = self._clock.now()
        stream = request.stream or LIVE
        name = resource("incidents", deterministic_id(stream, "declared", request.request_id or uuid.uuid4().hex))
        declared = lifecycle.declare(
            name=name, stream=stream, service=request.service, title=request.title,
            severity=Severity(request.severity), onset_at=from_proto(request.onset_at) or now,
            by=request.declared_by, at=now)
        fingerprint = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        answer = await self._store.declare(declared, request.request_id, fingerprint)
        self._watch.changed()
        return answer

    async def GetIncident(self, request: pb.GetIncidentRequest, context: Context) -> incident_pb2.Incident:
        return messages.incident(await self._store.get(request.name))

    async def ListIncidents(self, request: pb.ListIncidentsRequest, context: Context) -> pb.ListIncidentsResponse:
        size = page_size(request.page_size)
        key = decode_token(request.page_token, 2)
        wanted = Filter(
            stream=None if request.stream == "-" else request.stream or LIVE,
            states=tuple(messages.state(each) for each in request.states if each),
            severities=tuple(each for each in request.severities if each), service=request.service,
            onset_after=from_proto(request.onset_after), onset_before=from_proto(request.onset_before))
        found = await self._store.incidents(wanted, limit=size + 1, after=_key(key) if key else None)
        token = encode_token(found[size - 1].onset_at.isoformat(), found[size - 1].name) if len(found) > size else ""
        return pb.ListIncidentsResponse(incidents=[messages.incident(each) for each in found[:size]],
                                        next_page_token=token)

    async def WatchIncidents(self, request: pb.WatchIncidentsRequest,
                             context: Context) -> AsyncIterator[pb.WatchIncidentsResponse]:
        async for position, incident, kind in self._watch.follow(request.after_position, request.stream,
                                                                 from_now=request.from_now):
            yield messages.watched(position, messages.incident(incident), kind)

    async def AcknowledgeIncident(self, request: pb.AcknowledgeIncidentRequest,
                                  context: Context) -> incident_pb2.Incident:
        change = partial(lifecycle.acknowledge, by=request.responder, at=self._clock.now())
        return self._changed(await self._store.update(request.name, change, Kind.ACKNOWLEDGED, given=request.etag))

    async def ResolveIncident(self, request: pb.ResolveIncidentRequest, context: Context) -> incident_pb2.Incident:
        change = partial(lifecycle.resolve, by=request.responder, at=self._clock.now(),
                         recovered_at=from_proto(request.recovered_at))
        return self._changed(await self._store.update(request.name, change, Kind.RESOLVED, given=request.etag))

    async def ReopenIncident(self, request: pb.ReopenIncidentRequest, context: Context) -> incident_pb2.Incident:
        change = partial(lifecycle.reopen, by=request.responder, at=self._clock.now())
        return self._changed(await self._store.update(request.name, change, Kind.REOPENED, given=request.etag))

    async def MergeIncidents(self, request: pb.MergeIncidentsRequest, context: Context) -> incident_pb2.Incident:
        change = partial(lifecycle.merge, by=request.responder, at=self._clock.now())
        others = tuple(dict.fromkeys(request.others))
        return self._changed(await self._store.merge(request.name, others, change, given=request.etag))

    async def SplitIncident(self, request: pb.SplitIncidentRequest, context: Context) -> incident_pb2.Incident:
        services = tuple(dict.fromkeys(request.services))
        name = resource("incidents", deterministic_id(request.name, "split", *sorted(services)))
        now = self._clock.now()

        def change(incident: Incident) -> tuple[Incident, Incident]:
            return lifecycle.split(incident, services, name=name, by=request.responder, at=now)
        return self._changed(await self._store.split(request.name, change, given=request.etag))

    async def UpdateIncident(self, request: pb.UpdateIncidentRequest, context: Context) -> incident_pb2.Incident:
        fields = masked_fields(request.update_mask, _UPDATABLE)
        wanted = request.incident
        if "severity" in fields and int(wanted.severity) not in set(Severity):
            raise InvalidArgument("incident.severity must be one of P1 to P4", reason="BAD_SEVERITY",
                                  field="incident.severity")
        if "title" in fields and not wanted.title.strip():
            raise InvalidArgument("incident.title must not be empty", reason="EMPTY_TITLE", field="incident.title")
        now = self._clock.now()

        def change(incident: Incident) -> Incident:
            return lifecycle.update(
                incident, fields=fields, severity=Severity(wanted.severity or incident.severity), title=wanted.title,
                tags=tuple(wanted.tags), ticket_url=wanted.ticket_url, by=request.responder, at=now)
        kind = Kind.SEVERITY_CHANGED if fields == {"severity"} else Kind.UPDATED
        return self._changed(await self._store.update(wanted.name, change, kind, given=wanted.etag))

    async def GetStream(self, request: pb.GetStreamRequest, context: Context) -> pb.Stream:
        found = await self._store.stream(request.stream)
        return pb.Stream(stream=found.stream, position=found.position, watermark=to_proto(found.watermark),
                         is_closed=found.is_closed, series=found.series, points=found.points)

    def _changed(self, incident: Incident) -> incident_pb2.Incident:
        self._watch.changed()
        return messages.incident(incident)


def _key(parts: tuple[str, ...]) -> tuple[datetime, str]:
    try:
        return datetime.fromisoformat(parts[0]), parts[1]
    except ValueError:
        raise InvalidArgument("page_token is not one that an earlier answer gave; begin again without it",
                              reason="BAD_PAGE_TOKEN", field="page_token") from None
