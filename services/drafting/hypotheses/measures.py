"""What a metric measures, told by the words in its name and by its unit, whoever named it.

The words are those of OpenTelemetry's semantic conventions, Prometheus exporters, cAdvisor and CloudWatch; no system's
own names stand here.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Measure(Enum):
    CPU = auto()
    MEMORY = auto()
    DISK = auto()
    POOL = auto()
    QUEUE = auto()
    DESCRIPTORS = auto()
    THREADS = auto()
    CERTIFICATE = auto()
    QUOTA = auto()
    RESTARTS = auto()
    LATENCY = auto()
    ERRORS = auto()
    # A share of what went well: falls when something is wrong.
    AVAILABILITY = auto()
    TRAFFIC = auto()
    PACKETS_LOST = auto()
    NETWORK_BYTES = auto()
    OTHER = auto()


class Side(Enum):
    """Who measured: the callee about requests that it served, or the caller about those that it sent."""

    SERVER = auto()
    CLIENT = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    measure: Measure
    side: Side = Side.SERVER
    # 0 to 1: a quantile; None: a mean or a total.
    quantile: float | None = None
    # Of the machine below: every service on it would show the same.
    is_shared: bool = False
    # More of it is worse; where it is not, less is.
    is_bad_high: bool = True


_WORD = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_QUANTILE = re.compile(r"(?:^|[^a-z0-9])p?(50|75|90|95|99|999)(?:th)?(?:$|[^0-9])")

# In order: the first whose words are all there decides. A name such as `db.client.connection.wait_time` is a pool's
# before it is a latency, `container_cpu_cfs_throttled_seconds` CPU's before it is a quota.
_RULES: tuple[tuple[Measure, frozenset[str]], ...] = tuple(
    (measure, frozenset(words.split())) for measure, words in (
        (Measure.CERTIFICATE, "certificate"), (Measure.CERTIFICATE, "cert"), (Measure.CERTIFICATE, "tls expiry"),
        (Measure.CPU, "cpu"), (Measure.CPU, "processor"),
        (Measure.DESCRIPTORS, "fd"), (Measure.DESCRIPTORS, "fds"), (Measure.DESCRIPTORS, "descriptors"),
        (Measure.DESCRIPTORS, "descriptor"), (Measure.DESCRIPTORS, "open files"),
        (Measure.POOL, "pool"), (Measure.POOL, "connections"), (Measure.POOL, "connection"), (Measure.POOL, "sockets"),
        (Measure.POOL, "hikaricp"), (Measure.POOL, "socket"),
        (Measure.QUEUE, "queue"), (Measure.QUEUE, "backlog"), (Measure.QUEUE, "lag"), (Measure.QUEUE, "pending"),
        (Measure.QUEUE, "inflight"),
        (Measure.RESTARTS, "restarts"), (Measure.RESTARTS, "restart"), (Measure.RESTARTS, "oom"),
        (Measure.MEMORY, "memory"), (Measure.MEMORY, "mem"), (Measure.MEMORY, "heap"), (Measure.MEMORY, "rss"),
        (Measure.MEMORY, "gc"), (Measure.MEMORY, "swap"),
        (Measure.QUOTA, "quota"), (Measure.QUOTA, "throttled"), (Measure.QUOTA, "throttles"),
        (Measure.QUOTA, "ratelimit"), (Measure.QUOTA, "rate limit"), (Measure.QUOTA, "limited"),
        (Measure.PACKETS_LOST, "packets dropped"), (Measure.PACKETS_LOST, "retransmits"),
        (Measure.PACKETS_LOST, "retransmitted"), (Measure.PACKETS_LOST, "packet loss"),
        (Measure.PACKETS_LOST, "network errors"), (Measure.PACKETS_LOST, "packets lost"),
        (Measure.DISK, "disk"), (Measure.DISK, "filesystem"), (Measure.DISK, "fs"), (Measure.DISK, "volume"),
        (Measure.DISK, "inodes"), (Measure.DISK, "iops"), (Measure.DISK, "diskio"), (Measure.DISK, "blkio"),
        (Measure.THREADS, "threads"), (Measure.THREADS, "goroutines"), (Measure.THREADS, "workers"),
        (Measure.NETWORK_BYTES, "network"), (Measure.NETWORK_BYTES, "bytes"),
        (Measure.AVAILABILITY, "availability"), (Measure.AVAILABILITY, "success"), (Measure.AVAILABILITY, "up"),
        (Measure.ERRORS, "error"), (Measure.ERRORS, "errors"), (Measure.ERRORS, "failed"), (Measure.ERRORS, "failures"),
        (Measure.ERRORS, "faults"), (Measure.ERRORS, "fault"), (Measure.ERRORS, "exceptions"),
        (Measure.ERRORS, "5xx"), (Measure.ERRORS, "timeouts"),
        (Measure.LATENCY, "latency"), (Measure.LATENCY, "duration"), (Measure.LATENCY, "response time"),
        (Measure.LATENCY, "rt"), (Measure.LATENCY, "elapsed"), (Measure.LATENCY, "milliseconds"),
        (Measure.TRAFFIC, "requests"), (Measure.TRAFFIC, "request"), (Measure.TRAFFIC, "throughput"),
        (Measure.TRAFFIC, "workload"), (Measure.TRAFFIC, "rps"), (Measure.TRAFFIC, "qps"), (Measure.TRAFFIC, "load"),
        (Measure.TRAFFIC, "calls"), (Measure.TRAFFIC, "invocations"), (Measure.TRAFFIC, "hits"),
    )
)
_SHARED = frozenset({"node", "host", "machine", "instance"})
_CLIENT = frozenset({"client", "outbound", "egress", "upstream", "outgoing", "destination"})
_FREE = frozenset({"idle", "free", "avail", "available", "remaining", "expiry", "expires"})
_SATURATING = frozenset({Measure.CPU, Measure.MEMORY, Measure.DISK, Measure.POOL, Measure.DESCRIPTORS,
                         Measure.CERTIFICATE, Measure.THREADS})


# Units of what is counted, as OpenTelemetry writes them; they say what a number is whatever the name is.
COUNTED, FAILED = "{request}", "{error}"


def meaning(metric_name: str, unit: str = "") -> Meaning:
    """What the metric of that name measures; OTHER where its words do not say."""
    name = _CAMEL.sub("_", metric_name).lower()
    words = frozenset(_WORD.findall(name)) | ({"5xx"} if "5xx" in name else frozenset())
    measure = next((found for found, needed in _RULES if needed <= words), Measure.OTHER)
    if measure in (Measure.LATENCY, Measure.TRAFFIC) and unit in (COUNTED, FAILED):
        measure = Measure.TRAFFIC if unit == COUNTED else Measure.ERRORS
    if measure is Measure.OTHER and unit in ("s", "ms", "us", "ns") and "time" in words:
        measure = Measure.LATENCY
    quantile = _QUANTILE.search(name)
    is_free = bool(words & _FREE) and measure in _SATURATING
    return Meaning(
        measure=measure,
        side=Side.CLIENT if words & _CLIENT else Side.SERVER,
        quantile=float(f"0.{quantile.group(1)}") if quantile else 0.5 if "median" in words else None,
        is_shared=bool(words & _SHARED),
        is_bad_high=not (is_free or measure is Measure.AVAILABILITY),
    )
