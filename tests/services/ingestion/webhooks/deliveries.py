"""Deliveries of webhooks, from samples in the form in which their senders write them."""

import hashlib
import hmac
from pathlib import Path

import orjson

from services.ingestion.webhooks.payload import Delivery
from shared.clock import SetClock

SAMPLES = Path(__file__).parents[3] / "samples" / "webhooks"
JSON = {"content-type": "application/json"}
LABELS = ("service", "app.kubernetes.io/name", "app", "job")
# Sender, sample, and the headers that come with it.
REAL = [
    ("alertmanager", "alertmanager_firing", JSON), ("alertmanager", "alertmanager_resolved", JSON),
    ("grafana", "grafana_firing", JSON), ("pagerduty", "pagerduty_triggered", JSON),
    ("github", "github_deployment", JSON | {"x-github-event": "deployment"}),
    ("github", "github_deployment_status", JSON | {"x-github-event": "deployment_status"}),
    ("github", "github_release", JSON | {"x-github-event": "release"}),
    ("github", "github_push", JSON | {"x-github-event": "push"}),
    ("argocd", "argocd_deployed", JSON), ("kubernetes", "kubernetes_backoff", JSON),
    ("cloudevents", "cloudevents_structured", {"content-type": "application/cloudevents+json"}),
    ("cloudevents", "cloudevents_batch", {"content-type": "application/cloudevents-batch+json"}),
]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def delivery(body: bytes | dict[str, object], clock: SetClock, **headers: str) -> Delivery:
    """headers: with underscores for hyphens."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Delivery(raw, {name.replace("_", "-"): value for name, value in headers.items()}, clock.now())


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
