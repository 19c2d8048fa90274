"""Recorded incidents through the running stack: does an incident open, and is its cause named?

    python -m tests.eval.causes DATA [OUT]

DATA holds a folder for each case, with `telemetry.ndjson.gz` and, to be scored, `truth.json`. Everything runs as a user
would start it: `afteraction serve` on embedded defaults in a throw-away directory and on free ports, each case replayed
by `afteraction replay` into a stream of its own, card and draft asked for over gRPC. OUT gets a line a case:
{"case", "incidents": [{"start", "detected", "resolved", "services"}], "services", "kinds", "card", "draft"}.

A recording ends soon after its fault. Where the product opened nothing in its last twenty minutes, one incident is
declared by hand at its end, as somebody would who sees something wrong and does not know what: on the service that
most was recorded of. Such a case has "declared": true, its incident is not among "incidents"
and it counts as not opened; its ranking is that of the declared incident's card. The truth has no part in any of this.

Every card and draft of every case is walked by the checker of drafting: a number, time or name that no evidence of it
holds is printed, and makes the command fail.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from afteraction.v1 import card_service_pb2 as cards
from afteraction.v1 import incident_service_pb2 as incidents
from afteraction.v1 import postmortem_service_pb2 as postmortems
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_pb2 import SEVERITY_P2, Incident
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.drafting.statements import Unsupported
from shared.timestamps import from_proto, to_proto
from tests.eval.causes_scores import Score, kinds_in_order, read_truth, score, table
from tests.eval.causes_truth import untrue_in_card, untrue_in_draft

_PORTS = ("INGESTION", "DETECTION", "DRAFTING", "MEMORY", "DASHBOARD", "OTLP_GRPC", "OTLP_HTTP")
_READY_S, _REPLAY_S, _SETTLED_S = 120.0, 600.0, 120.0
# What was over before is no sign that somebody looks at what is wrong now.
_RECENT = timedelta(minutes=20)


def main(data: Path, out: Path | None) -> int:
    """Evaluates and prints; 1 when a card or draft says what no evidence holds, 2 when there is nothing to evaluate."""
    folders = sorted(path.parent for path in data.glob("*/telemetry.ndjson.gz"))
    if not folders:
        print(f"no case found: {data}/*/telemetry.ndjson.gz is not there; name the folder with DATA=", file=sys.stderr)
        return 2
    scores: list[Score] = []
    lines: list[str] = []
    with (tempfile.TemporaryDirectory(prefix="afteraction-eval-") as directory,
          Stack.started(Path(directory)) as stack):
        for folder in folders:
            started = time.monotonic()
            line = stack.evaluate(folder)
            lines.append(json.dumps(line) + "\n")
            if out is not None:
                out.write_text("".join(lines), encoding="utf-8")
            truth = read_truth(folder)
            if truth is not None:
                scores.append(score(truth, line))
            print(_said(folder.name, line, scores[-1] if truth is not None else None, time.monotonic() - started),
                  flush=True)
    if scores:
        print(table(scores))
    if len(scores) < len(folders):
        print(f"{len(folders) - len(scores)} of {len(folders)} cases have no truth.json and cannot be scored")
    print(f"{stack.walked} cards and drafts walked, {len(stack.untrue)} numbers, times or names that no evidence holds")
    for one in stack.untrue:
        print(f"  {one}")
    return 1 if stack.untrue else 0


def _said(case: str, line: Mapping[str, Any], one: Score | None, took_s: float) -> str:
    verdict = ""
    if one is not None:
        delay = "not in time" if one.detected_after_s is None else f"after {one.detected_after_s:.0f} s"
        verdict = f"{delay}, service {one.service_rank}, kind {one.kind_rank}, false {one.false_incidents}: "
    opened = "declared by hand" if line["declared"] else f"{len(line['incidents'])} incidents"
    return f"{case}: {verdict}{opened}, {line['services'][:3]} ({took_s:.0f} s)"


class Stack:
    """The product, running on its own, and clients of it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        # Cards and drafts that were read so far, and what they say beyond their evidence.
        self.walked = 0
        self.untrue: list[str] = []
        self._channels = {name: grpc.insecure_channel(environment[f"AFTERACTION_{name}_ADDRESS"],
                                                          options=[("grpc.max_receive_message_length", -1)])
                          for name in _PORTS[:4]}

    def channel(self, name: str) -> grpc.Channel:
        """To one of its ways in: DETECTION, DRAFTING, OTLP_GRPC, …"""
        if name not in self._channels:
            self._channels[name] = grpc.insecure_channel(self._environment[f"AFTERACTION_{name}_ADDRESS"])
        return self._channels[name]

    @classmethod
    @contextmanager
    def started(cls, directory: Path) -> Iterator["Stack"]:
        environment = os.environ | {"AFTERACTION_DATA_DIRECTORY": str(directory / "data"), "HOME": str(directory)}
        environment |= {f"AFTERACTION_{name}_ADDRESS": address
                        for name, address in zip(_PORTS, _free_addresses(len(_PORTS)), strict=True)}
        log = (directory / "serve.log").open("wb")
        process = subprocess.Popen([sys.executable, "-m", "services.cli", "serve"], env=environment, stdout=log,
                                   stderr=subprocess.STDOUT)
        stack = cls(environment)
        try:
            stack._ready(process, directory / "serve.log")
            yield stack
        finally:
            for channel in stack._channels.values():
                channel.close()
            process.terminate()
            process.wait(60)
            log.close()

    def _ready(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        """Returns when every service says SERVING. Raises SystemExit with the end of the log when one cannot."""
        waited_until = time.monotonic() + _READY_S
        waiting = dict(self._channels)
        while waiting:
            for name, channel in tuple(waiting.items()):
                try:
                    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        del waiting[name]
                except grpc.RpcError:
                    pass  # not up yet
            if process.poll() is not None or time.monotonic() > waited_until:
                end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise SystemExit(f"the stack did not start; not serving: {', '.join(waiting)}\n{end}")
            time.sleep(0.2)

    def evaluate(self, folder: Path) -> dict[str, Any]:
        """Replays one case and says what the product made of it."""
        stream = f"eval-{folder.name}"
        self._replay(folder, stream)
        found = self._incidents(stream)
        most_recorded, end = _about(folder)
        recent = [one for one in found if _last_seen(one, end) >= end - _RECENT]
        telling = recent or [self._declared(stream, most_recorded, end)]
        ranked = [self._told(incident) for incident in _worst_first(telling)]
        for incident in found:
            if incident not in telling:
                self._told(incident)
        hypotheses = [one for card, _, _ in ranked for one in card.hypotheses if one.service]
        return {
            "case": folder.name,
            "incidents": [_interval(incident) for incident in found],
            "declared": not recent,
            "services": _distinct(one.service for one in hypotheses),
            "kinds": _distinct(kinds_in_order(
                [(one.probability, (one.kind, *one.other_kinds)) for one in hypotheses])),
            "card": ranked[0][1] if ranked else "",
            "draft": ranked[0][2] if ranked else "",
        }

    def _replay(self, folder: Path, stream: str) -> None:
        command = [sys.executable, "-m", "services.cli", "replay", str(folder), "--stream", stream, "--json"]
        ended = subprocess.run(command, env=self._environment, capture_output=True, timeout=_REPLAY_S, check=False)
        if ended.returncode:
            print(f"{folder.name}: replay ended with {ended.returncode}: {ended.stderr.decode()[-500:]}",
                  file=sys.stderr)

    def _incidents(self, stream: str) -> list[Incident]:
        """The stream's incidents, once detection has read all of it; those merged into others are not counted."""
        detection = IncidentServiceStub(self._channels["DETECTION"])
        until = time.monotonic() + _SETTLED_S
        while time.monotonic() < until:
            try:
                if (detection.GetStream(incidents.GetStreamRequest(stream=stream), timeout=10)).is_closed:
                    break
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
            time.sleep(0.2)
        request = incidents.ListIncidentsRequest(stream=stream, page_size=1000)
        answer = detection.ListIncidents(request, timeout=30)
        return sorted((one for one in answer.incidents if not one.merged_into),
                      key=lambda one: one.onset_at.ToNanoseconds())

    def _declared(self, stream: str, service: str, end: datetime) -> Incident:
        """An incident that a person declares at the end of the recording."""
        detection = IncidentServiceStub(self._channels["DETECTION"])
        return detection.DeclareIncident(incidents.DeclareIncidentRequest(
            stream=stream, service=service, title="Something is wrong", severity=SEVERITY_P2,
            onset_at=to_proto(end), declared_by="evaluation"), timeout=30)

    def _told(self, incident: Incident) -> tuple[Any, str, str]:
        """The newest card, its Markdown, and the draft's, of one incident."""
        drafting = CardServiceStub(self._channels["DRAFTING"])
        written = PostmortemServiceStub(self._channels["DRAFTING"])
        request = cards.GetCardRequest(incident=incident.name, format=cards.FORMAT_MARKDOWN)
        draft = ""
        if incident.HasField("resolved_at"):
            postmortem = _eventually(
                written.GetPostmortem, postmortems.GetPostmortemRequest(name=incident.name))
            draft = "" if postmortem is None else postmortem.markdown
            if postmortem is not None:
                self._walked(incident.name, "draft", untrue_in_draft(postmortem))
        _eventually(drafting.RefreshCard, cards.RefreshCardRequest(incident=incident.name))
        answer = _eventually(drafting.GetCard, request)
        if answer is None:
            return cards.GetCardResponse().card, "", draft
        self._walked(incident.name, "card", untrue_in_card(answer.card, answer.rendered))
        return answer.card, answer.rendered, draft

    def _walked(self, incident: str, what: str, found: Sequence[Unsupported]) -> None:
        self.walked += 1
        self.untrue += [f"{what} of {incident}: {one.what!r} in: {one.statement.text}" for one in found]


def _eventually(call: Any, request: Any) -> Any:
    """The answer, once it is there; None where it does not come in time."""
    until = time.monotonic() + _SETTLED_S
    while time.monotonic() < until:
        try:
            return call(request, timeout=30)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE):
                print(f"{type(request).__name__}: {error.code().name} {error.details()}", file=sys.stderr)
                return None
        time.sleep(0.2)
    print(f"{type(request).__name__}: no answer in {_SETTLED_S:.0f} s", file=sys.stderr)
    return None


def _worst_first(found: Sequence[Incident]) -> list[Incident]:
    """Of several incidents the worst one speaks first, of equally bad ones the one with most anomalies."""
    return sorted(found, key=lambda one: (one.severity or 9, -len(one.anomalies)))


def _about(folder: Path) -> tuple[str, datetime]:
    """The service that most lines of a recording are of, and when it ends."""
    lines: Counter[str] = Counter()
    end = ""
    with gzip.open(folder / "telemetry.ndjson.gz", "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            lines[record["service"]] += 1
            end = max(end, record["t"])
    return min(lines, key=lambda service: (-lines[service], service)), datetime.fromisoformat(end)


def _last_seen(incident: Incident, end: datetime) -> datetime:
    """When it was last known to burn: its recovery, or the end of the recording."""
    return (from_proto(incident.recovered_at) if incident.HasField("recovered_at") else None) or end


def _interval(incident: Incident) -> dict[str, Any]:
    resolved = from_proto(incident.resolved_at) if incident.HasField("resolved_at") else None
    return {"start": _iso(from_proto(incident.onset_at)), "detected": _iso(from_proto(incident.detected_at)),
            "resolved": _iso(resolved), "services": list(incident.services)}


def _iso(at: Any) -> str | None:
    return None if at is None else at.isoformat()


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(values))


def _free_addresses(count: int) -> list[str]:
    """Loopback addresses that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    finally:
        for one in sockets:
            one.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.eval.causes DATA [OUT]")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None))
