"""What can be set for ingestion: limits, times and what to redact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """AFTERACTION_INGESTION_…, or the table [ingestion] of the settings file."""

    retention: timedelta = field(default=timedelta(days=14), metadata={
        "help": "how long telemetry is kept after its arrival", "example": "14d"})
    lateness: timedelta = field(default=timedelta(seconds=30), metadata={
        "help": "how long the live stream waits for stragglers, in event time", "example": "30s"})
    sender_timeout: timedelta = field(default=timedelta(seconds=90), metadata={
        "help": "after how much silence a sender no longer holds the watermark of the live stream", "example": "90s"})
    future_tolerance: timedelta = field(default=timedelta(minutes=5), metadata={
        "help": "how far ahead of our clock a sender of the live stream may be before its times count as insane",
        "example": "5m"})
    series_per_service: int = field(default=20_000, metadata={"help": "series that one service may have"})
    series_in_all: int = field(default=300_000, metadata={"help": "series that all services may have together"})
    patterns_per_service: int = field(default=1_000, metadata={
        "help": "log patterns kept in memory for each service; the least used go first"})
    operations_per_service: int = field(default=300, metadata={
        "help": "operations that span metrics tell apart for each service; the others become one"})
    max_request_bytes: int = field(default=32 * 1024 * 1024, metadata={
        "help": "largest request that is accepted, after decompression"})
    max_pending_bytes: int = field(default=128 * 1024 * 1024, metadata={
        "help": "bytes of requests under way from which senders are told to come back later"})
    duplicate_window: timedelta = field(default=timedelta(minutes=10), metadata={
        "help": "how long the same request is recognised when it comes again", "example": "10m"})
    redaction_allow: tuple[str, ...] = field(default=(), metadata={
        "help": "texts that are never redacted, separated by commas"})
    redaction_deny: tuple[str, ...] = field(default=(), metadata={
        "help": "names of attributes whose values are always redacted, separated by commas",
        "example": "x-internal-key,customer.name"})
    service_labels: tuple[str, ...] = field(
        default=("service_name", "service.name", "app_kubernetes_io_name", "app.kubernetes.io/name", "app", "service",
                 "job"), metadata={
        "help": "labels of Prometheus' series and of alerts that name the service, the first that is there counts",
        "example": "service,app,job"})
    github_services: Mapping[str, str] = field(default_factory=dict, metadata={
        "help": "service of a GitHub repository, where it is not the repository's name",
        "example": "acme/checkout-backend=checkout"})
    github_secret: str = field(default="", metadata={
        "help": "secret of the GitHub webhook; with it a delivery must be signed", "secret": "yes"})
    pagerduty_secret: str = field(default="", metadata={
        "help": "secret of the PagerDuty webhook; with it a delivery must be signed", "secret": "yes"})

    def problems(self) -> Iterable[tuple[str, str]]:
        """Fields whose values do not go together, and why."""
        if self.retention < timedelta(hours=1):
            yield "retention", "less than 1h leaves nothing for evidence; set at least 1h"
        if self.lateness < timedelta(0):
            yield "lateness", "cannot be negative"
        for name in ("series_per_service", "series_in_all", "patterns_per_service", "operations_per_service",
                     "max_request_bytes"):
            if getattr(self, name) < 1:
                yield name, "must be at least 1"
        if not self.service_labels:
            yield "service_labels", "without any label nothing would have a service"
        if self.max_pending_bytes < self.max_request_bytes:
            yield "max_pending_bytes", "is less than max_request_bytes, so that the largest request could never enter"
