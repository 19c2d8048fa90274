"""GitHub's and Argo CD's deliveries to changes."""

import orjson
import pytest

from afteraction.v1.event_pb2 import Event
from services.ingestion.webhooks import argocd, github
from shared.clock import SetClock
from shared.errors import InvalidArgument
from tests.services.ingestion.webhooks.deliveries import LABELS, delivery, sample


def github_events(kind: str, body: bytes, clock: SetClock, **services: str) -> list[Event]:
    return github.parse(delivery(body, clock, x_github_event=kind), services={
        name.replace("__", "/"): service for name, service in services.items()})


def changed(name: str, path: str, value: object) -> bytes:
    document = orjson.loads(sample(name))
    *parents, last = path.split(".")
    part = document
    for parent in parents:
        part = part[parent]
    part[last] = value
    return bytes(orjson.dumps(document))


class TestGithub:
    def test_a_status_that_it_went_out_is_the_deploy(self, set_clock: SetClock) -> None:
        event, = github_events("deployment_status", sample("github_deployment_status"), set_clock)

        assert (event.service, event.deploy.version, event.deploy.environment) == (
            "cart", "4be01d7c59a2", "production")
        assert event.deploy.commit == "4be01d7c59a2f3e8d6071b9c2a45e8f370d16c9b"
        assert event.occurred_at.ToJsonString() == "2026-03-02T09:20:55Z"

    def test_begin_and_end_of_a_deployment_are_one_deploy(self, set_clock: SetClock) -> None:
        begun, = github_events("deployment_status", changed(
            "github_deployment_status", "deployment_status.state", "in_progress"), set_clock)
        ended, = github_events("deployment_status", sample("github_deployment_status"), set_clock)

        assert begun.id == ended.id

    def test_a_deployment_that_only_was_asked_for_is_no_deploy(self, set_clock: SetClock) -> None:
        event, = github_events("deployment", sample("github_deployment"), set_clock)

        assert (event.WhichOneof("kind"), event.infrastructure.reason) == ("infrastructure", "DeploymentRequested")

    @pytest.mark.parametrize("state", ["queued", "pending", "waiting", "inactive"])
    def test_a_status_that_changes_nothing_is_nothing(self, set_clock: SetClock, state: str) -> None:
        body = changed("github_deployment_status", "deployment_status.state", state)

        assert github_events("deployment_status", body, set_clock) == []

    def test_a_deployment_that_failed_is_told(self, set_clock: SetClock) -> None:
        body = changed("github_deployment_status", "deployment_status.state", "failure")
        event, = github_events("deployment_status", body, set_clock)

        assert event.infrastructure.reason == "DeploymentFailed"

    @pytest.mark.parametrize(("ref", "version"), [("v1.4.2", "v1.4.2"), ("refs/tags/1.0", "1.0"),
                                                  ("main", "4be01d7c59a2"), ("4be01d7c59a2f3e8d6071b9c2a45e8f370d16c9b",
                                                                             "4be01d7c59a2")])
    def test_a_tag_is_the_version_and_a_branch_is_not(self, set_clock: SetClock, ref: str, version: str) -> None:
        event, = github_events("deployment_status", changed("github_deployment_status", "deployment.ref", ref),
                               set_clock)

        assert event.deploy.version == version

    def test_a_payload_names_service_and_version(self, set_clock: SetClock) -> None:
        body = changed("github_deployment_status", "deployment.payload", {"service": "cart", "version": "7"})
        event, = github_events("deployment_status", body, set_clock)

        assert (event.service, event.deploy.version) == ("cart", "7")

    def test_a_repository_may_be_of_another_service(self, set_clock: SetClock) -> None:
        event, = github_events("release", sample("github_release"), set_clock, acme__cart="hello")

        assert (event.service, event.deploy.version) == ("hello", "0.0.1")

    def test_a_push_to_the_default_branch_is_a_change_with_its_files(self, set_clock: SetClock) -> None:
        event, = github_events("push", sample("github_push"), set_clock)

        change = event.config_change
        assert (change.key, change.old_value, change.new_value) == ("refs/heads/master", "a1f0c3d5e79b", "9d8c7b6a5f4e")
        assert event.attributes["vcs.changed_files"].split("\n")[0] == "deploy/cart/app.yaml"
        assert event.occurred_at.ToJsonString() == "2026-03-02T09:40:10Z"

    @pytest.mark.parametrize(("kind", "body"), [
        ("push", sample("github_push_tag_deleted")), ("push", changed("github_push", "ref", "refs/heads/topic")),
        ("release", changed("github_release", "action", "edited")), ("ping", b"{}"), ("star", b"")])
    def test_what_changes_nothing_that_runs_is_nothing(self, set_clock: SetClock, kind: str, body: bytes) -> None:
        assert github_events(kind, body, set_clock) == []

    @pytest.mark.parametrize(("kind", "body", "says"), [
        ("", b"{}", "X-GitHub-Event is missing"), ("push", b"{}", "repository.full_name is missing"),
        ("push", changed("github_push", "commits", "none"), "commits is not a list"),
        ("deployment_status", changed("github_deployment_status", "deployment.id", None), "deployment.id is missing"),
        ("release", changed("github_release", "release.published_at", "x"), "release.published_at 'x' is not a time")])
    def test_what_is_wrong_is_named(self, set_clock: SetClock, kind: str, body: bytes, says: str) -> None:
        with pytest.raises(InvalidArgument, match=says):
            github_events(kind, body, set_clock)


class TestArgocd:
    def test_a_sync_is_a_deploy_with_what_it_replaced(self, set_clock: SetClock) -> None:
        event, = argocd.parse(delivery(sample("argocd_deployed"), set_clock), service_labels=LABELS)

        assert (event.service, event.deploy.version, event.deploy.previous_version, event.deploy.is_rollback) == (
            "guestbook", "53e28ff20cc5", "08836bd97003", False)
        assert event.occurred_at.ToJsonString() == "2026-07-05T03:00:10Z"
        assert event.deploy.watch_window.seconds == 30
        assert event.attributes["container.image.names"] == "gcr.io/google-samples/gb-frontend:v5"

    def test_it_is_the_same_while_it_runs(self, set_clock: SetClock) -> None:
        body = changed("argocd_deployed", "app.status.operationState.phase", "Running")
        running, = argocd.parse(delivery(body, set_clock), service_labels=LABELS)
        done, = argocd.parse(delivery(sample("argocd_deployed"), set_clock), service_labels=LABELS)

        assert running.id == done.id

    def test_back_to_what_had_been_out_is_a_rollback(self, set_clock: SetClock) -> None:
        history = [{"revision": each} for each in ("1.0", "1.1", "1.0")]
        document = orjson.loads(sample("argocd_deployed"))
        document["app"]["status"]["history"] = history
        document["app"]["status"]["operationState"]["syncResult"]["revision"] = "1.0"

        event, = argocd.parse(delivery(document, set_clock), service_labels=LABELS)

        assert (event.deploy.version, event.deploy.previous_version, event.deploy.is_rollback) == ("1.0", "1.1", True)

    def test_a_sync_that_failed_and_bad_health_are_told(self, set_clock: SetClock) -> None:
        document = orjson.loads(sample("argocd_deployed"))
        document["app"]["status"]["operationState"] |= {"phase": "Failed", "message": "no such image"}
        document["app"]["status"]["health"] = {"status": "Degraded", "lastTransitionTime": "2026-07-05T03:01:00Z"}

        failed, degraded = argocd.parse(delivery(document, set_clock), service_labels=LABELS)

        assert (failed.infrastructure.reason, failed.infrastructure.message) == ("SyncFailed", "no such image")
        assert degraded.infrastructure.reason == "HealthDegraded"
        assert degraded.occurred_at.ToJsonString() == "2026-07-05T03:01:00Z"

    @pytest.mark.parametrize(("body", "says"), [
        ({}, "app.metadata.name is missing"), ({"app": []}, "app.metadata.name is missing"),
        ({"app": {"metadata": {"name": "x"}, "status": {"operationState": {"phase": "Running"}}}},
         "app.status.operationState.startedAt is missing")])
    def test_what_is_wrong_is_named(self, set_clock: SetClock, body: dict[str, object], says: str) -> None:
        with pytest.raises(InvalidArgument, match=says):
            argocd.parse(delivery(body, set_clock), service_labels=LABELS)
