"""Our requests against what the vendors publish of their interfaces: fetched with npm, skipped where npm or its
registry is not there. Jira's shapes have no package; they are held by the fake tracker alone."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Generator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.drafting.trackers import linear
from services.drafting.trackers.github import GitHub
from services.drafting.trackers.issue import Answer, NewIssue, Request, State

NOW = datetime(2026, 7, 5, 3, 0, tzinfo=UTC)
ISSUE = NewIssue("m" * 32, "Document the limit", "checkout-team", date(2026, 7, 12), 1, "why", "postmortems/x")


def fetched(package: str, directory: Path) -> Path:
    """The package's files. Skips where they cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    done = subprocess.run(
        [npm, "pack", "--silent", package], cwd=directory, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(f"npm cannot fetch {package}: {done.stderr.strip()[-200:]}")
    with tarfile.open(directory / done.stdout.split()[-1]) as archive:
        archive.extractall(directory, filter="data")
    return directory / "package"


@pytest.fixture(scope="module")
def github_api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    package = fetched("@octokit/openapi", tmp_path_factory.mktemp("openapi"))
    return json.loads((package / "generated/api.github.com.json").read_text())


@pytest.fixture(scope="module")
def linear_types(tmp_path_factory: pytest.TempPathFactory) -> str:
    package = fetched("@linear/sdk", tmp_path_factory.mktemp("linear"))
    return "\n".join(path.read_text() for path in (package / "dist").glob("*.d.mts"))


def asked(conversation: Generator[Request, Answer, Any], *answers: Any) -> list[Request]:
    """The requests of a conversation that is answered with `answers`."""
    requests = [next(conversation)]
    with suppress(StopIteration):
        for body in answers:
            requests += [conversation.send(Answer(200, {}, json.dumps(body).encode(), NOW))]
    return requests


ROW = {"number": 1, "html_url": "u", "body": "", "state": "open", "created_at": "2026-07-05T03:00:00Z"}


def test_github_knows_every_request_of_ours(github_api: Any) -> None:
    ours = GitHub("acme/shop", labels=("afteraction",))
    requests = [
        *asked(ours.create(ISSUE), ROW),
        *asked(ours.changed(NOW, NOW), []),
        *asked(ours.close("1", State.DONE), ROW),
        *asked(ours.close("1", State.DROPPED), ROW),
        *asked(ours.close("1", State.DROPPED, is_duplicate=True), ROW),
        *asked(ours.reopen("1"), ROW),
        *asked(ours.link("https://github.com/acme/shop/issues/1", "title", "https://a/p"), []),
    ]
    assert len(requests) >= 8

    for request in requests:
        path, operation = operation_of(github_api, request)
        known = {parameter["name"]: parameter for parameter in parameters(github_api, operation)}
        for name, value in request.params.items():
            assert name in known, f"{path} has no parameter {name}"
            allowed = known[name]["schema"].get("enum")
            assert not allowed or value in allowed, f"{path}: {name}={value}"
        if request.json is not None:
            schema = resolved(github_api, operation["requestBody"]["content"]["application/json"]["schema"])
            assert set(schema.get("required", ())) <= set(request.json)
            for name, value in request.json.items():
                allowed = schema["properties"][name].get("enum")
                assert not allowed or value in allowed, f"{path}: {name}={value}"


def test_github_says_what_we_read(github_api: Any) -> None:
    issue = github_api["components"]["schemas"]["issue"]

    assert {"number", "html_url", "body", "state", "state_reason", "created_at", "pull_request"} <= set(
        issue["properties"]
    )
    assert {"not_planned", "duplicate"} <= set(issue["properties"]["state_reason"]["enum"])


def test_linear_knows_every_query_of_ours(linear_types: str) -> None:
    wanted = next(linear.Linear("team").create(ISSUE)).json["variables"]["input"]
    assert set(wanted) <= fields(linear_types, "IssueCreateInput")
    assert {"stateId"} <= fields(linear_types, "IssueUpdateInput")
    attached = next(linear.Linear("team").link("https://linear.app/acme/issue/S-7/x", "t", "u"))
    assert set(attached.json["variables"]["input"]) <= fields(linear_types, "AttachmentCreateInput")
    assert {"id", "url", "createdAt", "state"} <= fields(linear_types, "Issue")
    assert {"id", "type", "position"} <= fields(linear_types, "WorkflowState")
    assert {"id", "team", "updatedAt"} <= fields(linear_types, "IssueFilter")
    assert {"filter", "includeArchived", "first", "after"} <= fields(linear_types, "QueryIssuesArgs")
    assert {"issueCreate", "issueUpdate", "attachmentCreate"} <= fields(linear_types, "Mutation")


def operation_of(api: Any, request: Request) -> tuple[str, Any]:
    """The operation that a request is; the most literal path where several fit."""
    fitting = [
        path
        for path, methods in api["paths"].items()
        if request.method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), request.path)
    ]
    assert fitting, f"GitHub has no {request.method} {request.path}"
    path = min(fitting, key=lambda each: each.count("{"))
    return path, api["paths"][path][request.method.lower()]


def parameters(api: Any, operation: Any) -> list[Any]:
    return [resolved(api, each) for each in operation.get("parameters", ())]


def resolved(api: Any, schema: Any) -> Any:
    while "$ref" in schema:
        found = api
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def fields(types: str, name: str) -> set[str]:
    """The fields of a type of the SDK's declarations, which are made from Linear's schema."""
    match = re.search(rf"type {name} = [^{{;]*{{\n(.*?)^}};", types, re.DOTALL | re.MULTILINE)
    assert match, f"Linear has no {name}"
    return set(re.findall(r"^ {2}(\w+)\??:", match[1], re.MULTILINE))
