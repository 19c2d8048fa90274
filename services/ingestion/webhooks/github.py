"""GitHub's webhooks: deployments as they go out, releases, and pushes to the default branch."""

import re
from collections.abc import Callable, Mapping

from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1.event_pb2 import ConfigChange, Deploy, Event, InfrastructureEvent
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.errors import InvalidArgument

SOURCE = "github"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_MOST_FILES = 1_000


def parse(delivery: Delivery, *, services: Mapping[str, str]) -> list[Event]:
    """The events of a delivery; none for what is no change of what runs. Raises InvalidArgument.

    services: by `owner/name`, where a service is not called as its repository.
    """
    readers: dict[str, Callable[[Payload, str], list[Event]]] = {
        "deployment": _deployment, "deployment_status": _deployment_status, "release": _release, "push": _push}
    kind = delivery.header("x-github-event")
    if not kind:
        raise InvalidArgument("the header X-GitHub-Event is missing: this is no delivery of GitHub's",
                              reason="MALFORMED_PAYLOAD", field="X-GitHub-Event")
    if kind not in readers:
        return []
    payload = Payload.parse(delivery.body)
    name = payload.required("repository", "full_name")
    return readers[kind](payload, services.get(name) or payload.text("repository", "name") or name)


def _deployment(payload: Payload, service: str) -> list[Event]:
    """Somebody asked for it. It goes out when a status says so, perhaps after an approval."""
    deployment = payload.child("deployment")
    return [_event(f"deployment-{deployment.required('id')}-requested", payload, deployment.required_time("created_at"),
                   _service(deployment, service), infrastructure=InfrastructureEvent(
                       reason="DeploymentRequested", resource=deployment.text("environment"),
                       message=f"{_version(deployment)} to {deployment.text('environment')}"))]


def _deployment_status(payload: Payload, service: str) -> list[Event]:
    """The first status that says it goes out is the deploy: later ones have the same id, and change nothing."""
    deployment, status = payload.child("deployment"), payload.child("deployment_status")
    identifier, state = deployment.required("id"), status.required("state")
    at = status.time("updated_at") or status.required_time("created_at")
    environment = status.text("environment") or deployment.text("environment")
    service = _service(deployment, service)
    if state in ("in_progress", "success"):
        return [_event(f"deployment-{identifier}", payload, at, service, deploy=Deploy(
            version=_version(deployment), environment=environment, commit=deployment.text("sha"),
            url=status.text("target_url") or status.text("log_url") or payload.text("repository", "html_url"),
            is_rollback="rollback" in deployment.text("task").lower(), description=deployment.text("description")))]
    if state in ("failure", "error"):
        return [_event(f"deployment-{identifier}-{state}", payload, at, service, infrastructure=InfrastructureEvent(
            reason="DeploymentFailed", resource=environment,
            message=status.text("description") or f"the deployment of {_version(deployment)} ended with {state}"))]
    return []


def _release(payload: Payload, service: str) -> list[Event]:
    if payload.text("action") != "published":
        return []
    release = payload.child("release")
    name, body = release.text("name"), release.text("body")
    event = _event(f"release-{release.required('id')}", payload, release.required_time("published_at"), service,
                   deploy=Deploy(version=release.required("tag_name"), url=release.text("html_url"),
                                 description="\n".join(filter(None, (name, body)))))
    if release.truth("prerelease"):
        event.attributes["github.release.prerelease"] = "true"
    return [event]


def _push(payload: Payload, service: str) -> list[Event]:
    """The default branch moved: what is deployed from it, or configured in it, is another from now on."""
    ref, before, after = payload.required("ref"), payload.text("before"), payload.required("after")
    if ref != f"refs/heads/{payload.text('repository', 'default_branch')}" or payload.truth("deleted"):
        return []
    # The commit's own time is when it was written, which may be weeks before.
    at = payload.time("repository", "pushed_at") or payload.required_time("head_commit", "timestamp")
    event = _event(f"push-{payload.required('repository', 'id')}-{after}", payload, at, service,
                   config_change=ConfigChange(key=ref, old_value=before[:12], new_value=after[:12],
                                              url=payload.text("compare")))
    files = {name.value for commit in payload.items("commits") for kind in ("added", "modified", "removed")
             for name in commit.items(kind) if isinstance(name.value, str)}
    subjects = [commit.text("message").partition("\n")[0] for commit in payload.items("commits")]
    for name, lines in (("vcs.changed_files", sorted(files)[:_MOST_FILES]), ("vcs.commit.subjects", subjects[:50])):
        if lines:
            event.attributes[name] = "\n".join(lines)
    return [event]


def _event(identifier: str, payload: Payload, at: Timestamp, service: str, *, deploy: Deploy | None = None,
           config_change: ConfigChange | None = None, infrastructure: InfrastructureEvent | None = None) -> Event:
    return Event(id=f"{SOURCE}-{identifier}", occurred_at=at, service=service, source=SOURCE, deploy=deploy,
                 config_change=config_change, infrastructure=infrastructure,
                 attributes={"vcs.repository.name": payload.text("repository", "full_name")})


def _service(deployment: Payload, service: str) -> str:
    """A deployment may name its service in its payload; a repository of many services has to."""
    return deployment.text("payload", "service") or service


def _version(deployment: Payload) -> str:
    """The version that the payload names, the tag, or of a branch the commit."""
    named, ref, sha = deployment.text("payload", "version"), deployment.text("ref"), deployment.required("sha")
    if named:
        return named
    is_tag = ref.startswith("refs/tags/") or (any(each.isdigit() for each in ref) and not _COMMIT.match(ref))
    return ref.removeprefix("refs/tags/") if is_tag else sha[:12]
