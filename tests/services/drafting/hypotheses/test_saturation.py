"""Words and metrics of things that are used up."""

from dataclasses import replace

import pytest

from services.drafting.hypotheses.departures import departures
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.saturation import saturation
from services.drafting.observations import Observations, SeriesWindow
from tests.services.drafting.hypotheses.observed import observations, pattern, series


def kinds(observed: Observations) -> list[CauseKind]:
    return [finding.kind for finding in saturation(departures(observed.series), observed)]


@pytest.mark.parametrize(("line", "kind"), [
    ("HikariPool-1 - Connection is not available, request timed out after 30000ms", CauseKind.CAPACITY),
    ("connection checkout timed out: pool at its limit of 10", CauseKind.CAPACITY),
    ("FATAL: sorry, too many clients already", CauseKind.CAPACITY),
    ("FATAL: remaining connection slots are reserved", CauseKind.CAPACITY),
    ("java.lang.OutOfMemoryError: Java heap space", CauseKind.MEMORY),
    ("write /var/lib/data: no space left on device", CauseKind.DISK),
    ("accept4: too many open files", CauseKind.CAPACITY),
    ("x509: certificate has expired or is not yet valid", CauseKind.CERTIFICATE),
    ("429 Too Many Requests from upstream", CauseKind.QUOTA),
    ("ProvisionedThroughputExceededException", CauseKind.QUOTA),
    ("Deadlock found when trying to get lock", CauseKind.DATABASE),
    ("dial tcp: lookup orders: no such host", CauseKind.NETWORK),
])
def test_a_new_line_in_the_words_of_the_system_below_names_the_resource(line: str, kind: CauseKind) -> None:
    assert kinds(observations(patterns=[pattern("shop", line, count=10)])) == [kind]


@pytest.mark.parametrize("line", [
    "payment accepted", "order 17 shipped", "GET /pool-party 200", "started in 4.2 s", "heartbeat ok",
])
def test_an_ordinary_new_line_names_none(line: str) -> None:
    assert kinds(observations(patterns=[pattern("shop", line, count=10)])) == []


def test_a_line_that_was_there_before_names_none() -> None:
    line = "HikariPool-1 - Connection is not available, request timed out"

    assert kinds(observations(patterns=[pattern("shop", line, count=10, before=60)])) == []


@pytest.mark.parametrize(("one", "kind"), [
    (series("shop", "process_open_fds", before=100, now=1000), CauseKind.CAPACITY),
    (series("shop", "queue.depth", before=5, now=500), CauseKind.CAPACITY),
    (series("shop", "memory.usage", unit="By", before=1e8, now=9e8), CauseKind.MEMORY),
    (series("shop", "node_filesystem_avail_bytes", unit="By", before=1e9, now=1e6), CauseKind.DISK),
    (series("shop", "network.packet_loss.packets.dropped", before=1, now=90), CauseKind.NETWORK),
])
def test_a_level_that_left_its_baseline_in_the_bad_direction_names_the_resource(one: SeriesWindow, kind: CauseKind
                                                                               ) -> None:
    assert kinds(observations(series=[one])) == [kind]


def test_a_level_that_fell_is_not_used_up() -> None:
    assert kinds(observations(series=[series("shop", "memory.usage", before=9e8, now=1e8)])) == []


def test_more_use_that_more_requests_explain_is_no_saturation() -> None:
    observed = observations(series=[series("shop", "cpu.utilization", before=10, now=30),
                                    series("shop", "request.rate", before=100, now=300)])

    assert kinds(observed) == []


def test_a_service_that_uses_next_to_nothing_beside_others_is_not_saturated() -> None:
    observed = observations(series=[series("idle", "cpu.utilization", unit="%", before=0.01, now=0.2),
                                    series("busy", "cpu.utilization", unit="%", before=60, now=60)])

    assert kinds(observed) == []


def test_what_was_full_first_weighs_more_than_what_filled_after_it() -> None:
    cpu = series("shop", "cpu.utilization", before=50, now=99, unit="%")
    memory = series("shop", "memory.utilization", before=30, now=97, unit="%")
    memory = replace(memory, values=(30.0, 40.0, 96.0, 97.0, 98.0))

    found = {finding.kind: finding for finding in saturation(departures([cpu, memory]), observations())}

    assert found[CauseKind.CPU].weight > found[CauseKind.MEMORY].weight
    assert found[CauseKind.MEMORY].against == (cpu.key,)
