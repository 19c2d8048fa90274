"""What can be set about drafting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from services.drafting.case import Objective, Policy


@dataclass(frozen=True, slots=True)
class Settings:
    """Section `drafting`."""

    style: str = field(
        default="default",
        metadata={
            "help": "house style of post-mortems: default, google_sre, atlassian, incident_io, or a folder of "
            "template_directory",
            "example": "google_sre",
        },
    )
    template_directory: str = field(
        default="",
        metadata={
            "help": "a team's own templates, which come before those that ship; empty: none",
            "example": "/etc/afteraction/templates",
        },
    )
    ownership_catalogue: str = field(
        default="",
        metadata={
            "help": "CODEOWNERS or YAML file that says who owns a service; empty: owners are asked for",
            "example": "/etc/afteraction/owners.yaml",
        },
    )
    operation_values: Mapping[str, float] = field(
        default_factory=dict,
        metadata={
            "help": "what one failed request costs, by a part of the operation's name",
            "example": "POST /checkouts=50",
        },
    )
    currency: str = field(default="USD", metadata={"help": "currency of operation_values", "example": "EUR"})
    objective_target: float = field(
        default=0.995, metadata={"help": "share of requests that should succeed", "example": "0.999"}
    )
    objective_period: timedelta = field(
        default=timedelta(days=30), metadata={"help": "time over which the objective holds", "example": "28d"}
    )
    p1_due_small: timedelta = field(default=timedelta(days=7), metadata={"help": "P1 action items of little work"})
    p1_due_large: timedelta = field(default=timedelta(days=14), metadata={"help": "P1 action items of more work"})
    p2_due_small: timedelta = field(default=timedelta(days=7), metadata={"help": "P2 action items of little work"})
    p2_due_large: timedelta = field(default=timedelta(days=21), metadata={"help": "P2 action items of more work"})
    p3_due: timedelta = field(default=timedelta(days=30), metadata={"help": "P3 action items"})
    evidence_deadline: timedelta = field(
        default=timedelta(seconds=1.2),
        metadata={
            "help": "how long ingestion may take; what is not there by then is named as missing",
            "example": "1200ms",
        },
    )
    memory_deadline: timedelta = field(
        default=timedelta(seconds=0.6),
        metadata={
            "help": "how long memory may take; what is not there by then is named as missing",
            "example": "600ms",
        },
    )
    webhook_url: str = field(
        default="",
        metadata={
            "help": "where to send cards and reminders, signed as in Standard Webhooks; empty: nowhere",
            "example": "https://hooks.example.org/afteraction",
        },
    )
    webhook_secret: str = field(
        default="",
        metadata={
            "help": "secret of that signature, base64 after `whsec_`",
            "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "secret": "yes",
        },
    )
    slack_webhook_url: str = field(
        default="",
        metadata={
            "help": "Slack-compatible incoming webhook for cards; empty: none",
            "secret": "yes",
            "example": "https://hooks.slack.com/services/…",
        },
    )
    dashboard_url: str = field(
        default="",
        metadata={
            "help": "address of the dashboard for links in messages",
            "example": "https://afteraction.example.org",
        },
    )
    model_base_url: str = field(
        default="",
        metadata={
            "help": "OpenAI-compatible endpoint that may reword drafts for flow; empty: none",
            "example": "http://127.0.0.1:8080/v1",
        },
    )
    model: str = field(default="", metadata={"help": "model at that endpoint", "example": "local"})
    model_api_key: str = field(default="", metadata={"help": "key for that endpoint", "secret": "yes"})
    model_deadline: timedelta = field(
        default=timedelta(seconds=60),
        metadata={"help": "how long the endpoint may take for one section; the draft is there before"},
    )
    tracker: str = field(
        default="",
        metadata={"help": "where action items become issues: github, jira or linear; empty: they live here alone"},
    )
    tracker_url: str = field(
        default="",
        metadata={
            "help": "address of the tracker's interface; needed for Jira and GitHub Enterprise Server",
            "example": "https://acme.atlassian.net",
        },
    )
    tracker_project: str = field(
        default="",
        metadata={
            "help": "GitHub: owner/repository; Jira: key of the project; Linear: id of the team",
            "example": "acme/shop",
        },
    )
    tracker_user: str = field(
        default="",
        metadata={"help": "Jira Cloud: whose token it is; empty: Data Center", "example": "ops@example.org"},
    )
    tracker_token: str = field(
        default="", metadata={"help": "token that may create and change issues", "secret": "yes"}
    )
    tracker_issue_type: str = field(default="Task", metadata={"help": "Jira's type of the issues"})
    tracker_labels: tuple[str, ...] = field(
        default=(), metadata={"help": "labels of the issues, in GitHub and Jira", "example": "afteraction"}
    )
    tracker_webhook_secret: str = field(
        default="",
        metadata={
            "help": "secret of webhooks to /webhooks/trackers/NAME of the dashboard; empty: none is taken",
            "secret": "yes",
        },
    )
    tracker_settle: timedelta = field(
        default=timedelta(seconds=90),
        metadata={
            "help": "how long to wait after a creation whose answer was lost, before it is tried again: longer than "
            "the tracker's listing may lag"
        },
    )
    tracker_poll: timedelta = field(
        default=timedelta(minutes=5), metadata={"help": "how often the tracker is asked what changed"}
    )
    repository: str = field(
        default="",
        metadata={
            "help": "Git repository for published post-mortems and runbooks: a path, made if missing, or an address; "
            "empty: none",
            "example": "https://git.example.org/ops/postmortems.git",
        },
    )
    repository_branch: str = field(default="main", metadata={"help": "branch of that repository"})
    repository_user: str = field(default="", metadata={"help": "user for an https address", "example": "afteraction"})
    repository_token: str = field(default="", metadata={"help": "password or token of that user", "secret": "yes"})
    repository_ssh_command: str = field(
        default="",
        metadata={
            "help": "command for an ssh address; empty: ssh that asks for nothing",
            "example": "ssh -i /etc/afteraction/key -oBatchMode=yes",
        },
    )
    repository_domain: str = field(
        default="users.noreply.localhost",
        metadata={"help": "domain of authors whose name is no e-mail address", "example": "example.org"},
    )
    repository_poll: timedelta = field(
        default=timedelta(minutes=1), metadata={"help": "how often the repository is read for people's edits"}
    )
    threads: int = field(default=2, metadata={"help": "cards and drafts that are computed at the same time"})
    in_flight: int = field(default=8, metadata={"help": "incidents that are gathered at the same time"})
    database_connections: int = field(default=10, metadata={"help": "most connections to PostgreSQL"})

    def policy(self) -> Policy:
        """What the team decided, for the domain."""
        return Policy(
            operation_values=self.operation_values,
            currency=self.currency,
            objective=Objective(self.objective_target, self.objective_period),
            due_days={
                1: (self.p1_due_small.days, self.p1_due_large.days),
                2: (self.p2_due_small.days, self.p2_due_large.days),
                3: (self.p3_due.days, self.p3_due.days),
            },
        )

    def problems(self) -> Iterable[tuple[str, str]]:
        """Values that cannot be."""
        if not 0 < self.objective_target < 1:
            yield "objective_target", f"{self.objective_target} is not between 0 and 1"
        if self.objective_period <= timedelta(0):
            yield "objective_period", "it has no length"
        for name in ("threads", "in_flight"):
            if not 1 <= getattr(self, name) <= 64:
                yield name, f"{getattr(self, name)} is not between 1 and 64"
        if self.database_connections < 4:
            yield "database_connections", f"{self.database_connections} is less than the 4 that drafting needs"
        for name in ("template_directory", "ownership_catalogue"):
            path = getattr(self, name)
            if path and not Path(path).exists():
                yield name, f"{path} does not exist"
        if self.webhook_url and not self.webhook_secret.startswith("whsec_"):
            yield "webhook_secret", "it is needed with webhook_url, and begins with whsec_"
        yield from self._problems_of_tracker()
        if self.repository_poll < timedelta(seconds=1):
            yield "repository_poll", "it is shorter than a second"
        if self.model_base_url and not self.model:
            yield "model", "it is needed with model_base_url"

    def _problems_of_tracker(self) -> Iterable[tuple[str, str]]:
        if not self.tracker:
            return
        if self.tracker not in ("github", "jira", "linear"):
            yield "tracker", f"{self.tracker!r} is none of github, jira, linear"
        for name in ("tracker_project", "tracker_token"):
            if not getattr(self, name):
                yield name, "it is needed with tracker"
        if self.tracker == "github" and self.tracker_project.count("/") != 1:
            yield "tracker_project", f"{self.tracker_project!r} is not like acme/shop"
        if self.tracker == "jira" and not self.tracker_url:
            yield "tracker_url", "it is needed with Jira, such as https://acme.atlassian.net"
        if self.tracker_url and not self.tracker_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            yield "tracker_url", "the token would go over the network in the clear; use https"
        if self.tracker_settle < timedelta(seconds=30):
            yield "tracker_settle", "it is shorter than the 30 s that a request and a lagging listing may take"
        if self.tracker_poll < timedelta(seconds=10):
            yield "tracker_poll", "it is shorter than 10 s"
