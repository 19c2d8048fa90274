"""Post-mortems to test with: a whole one that only lacks what a test takes out of it, and the services that keep it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from afteraction.v1 import (
    action_item_service_pb2_grpc,
    evidence_pb2,
    postmortem_pb2,
    postmortem_service_pb2,
    postmortem_service_pb2_grpc,
)
from services.drafting.publishing.publisher import Publisher
from services.drafting.review.life import Drafted
from services.drafting.review.watch import Changes
from services.drafting.service.action_items import ActionItemService
from services.drafting.service.postmortems import PostmortemService
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.postmortem_parts import CHANNEL
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.publications import PublicationStore
from shared.clock import SetClock
from shared.offload import Offload
from shared.postgres.pool import Pool
from shared.timestamps import to_proto
from tests.conftest import Serve

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub

ONSET = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)
RESOLVED = datetime(2026, 7, 5, 4, 15, tzinfo=UTC)
ITEM = "| Document the pool limit | checkout-team | 2026-07-12 | P1 | configuration | nowhere written down [^E2] |"
TEXT = f"""# Checkout fails: HTTP 500 from checkout-api

- Severity: P1
- Service: checkout-api

## Summary

Checkout failed for 23 minutes. [^E1]

## Timeline

| Time (UTC) | Event |
|---|---|
| 03:35 | v2.4.2 deployed [^E2] |
| 04:02 | rollback to v2.4.1 started [^E3] |

## Root cause

Release v2.4.2 asks the database once per item of a cart; the pool of 10 connections ran out. [^E2]

## Contributing factors

- **configuration**: The limit of the pool is not documented. [^E2]

## Impact

340 requests failed. [^E1]

## Action items

| Action | Owner | Due | Priority | Category | Why |
|---|---|---|---|---|---|
{ITEM}

## Lessons learned

Detection took 12 minutes. [^E1]

[^E1]: error share 41 %
[^E2]: deploy v2.4.2
[^E3]: rollback to v2.4.1
"""


def evidence() -> list[evidence_pb2.Evidence]:
    def one(number: int, kind: int, statement: str, minute: int) -> evidence_pb2.Evidence:
        return evidence_pb2.Evidence(
            id=f"E{number}",
            kind=kind,  # type: ignore[arg-type]
            statement=statement,
            service="checkout-api",
            occurred_at=to_proto(ONSET.replace(minute=minute)),
            strength=0.9,
        )

    rollback = one(3, evidence_pb2.EVIDENCE_KIND_DEPLOY, "checkout-api was rolled back to v2.4.1 at 04:02 UTC.", 59)
    rollback.values["is_rollback"] = "true"
    return [
        one(1, evidence_pb2.EVIDENCE_KIND_ANOMALY, "The error share of checkout-api rose to 41 % at 03:47 UTC.", 47),
        one(2, evidence_pb2.EVIDENCE_KIND_DEPLOY, "v2.4.2 of checkout-api was deployed at 03:35 UTC.", 35),
        rollback,
    ]


def drafted(incident: str = "incidents/outage", text: str = TEXT, *, stream: str = "live") -> Drafted:
    message = postmortem_pb2.Postmortem(
        evidence=evidence(),
        factors=[postmortem_pb2.Factor(category="configuration")],
    )
    message.factors[0].statement.text = "The limit of the pool is not documented."
    return Drafted(
        incident=incident,
        stream=stream,
        severity=1,
        markdown=text,
        message=message.SerializeToString(),
        services=("checkout-api",),
        tags=("configuration",),
        onset_at=ONSET,
        resolved_at=RESOLVED,
    )


@dataclass(frozen=True, slots=True)
class Review:
    """The services under test, over real gRPC, and what stands behind them."""

    postmortems: "PostmortemServiceAsyncStub"
    items: "ActionItemServiceAsyncStub"
    store: PostmortemStore
    clock: SetClock
    publisher: Publisher
    address: str

    async def draft(self, new: Drafted | None = None) -> postmortem_pb2.Postmortem:
        """A stored draft, as anybody reads it."""
        async with self.store.pool.acquire() as connection, connection.transaction():
            name = await self.store.keep_draft(connection, new or drafted(), self.clock.now())
        return await self.get(name)

    async def get(self, name: str) -> postmortem_pb2.Postmortem:
        return await self.postmortems.GetPostmortem(postmortem_service_pb2.GetPostmortemRequest(name=name))

    async def edit(
        self, read: postmortem_pb2.Postmortem, text: str, section: int = 0, author: str = "ada", request_id: str = ""
    ) -> postmortem_pb2.Postmortem:
        return await self.postmortems.UpdatePostmortem(
            postmortem_service_pb2.UpdatePostmortemRequest(
                name=read.name,
                markdown=text,
                section=section,  # type: ignore[arg-type]
                author=author,
                etag=read.etag,
                request_id=request_id,
            )
        )

    async def publish(self, name: str, author: str = "ada") -> postmortem_pb2.Postmortem:
        return await self.postmortems.PublishPostmortem(
            postmortem_service_pb2.PublishPostmortemRequest(name=name, author=author)
        )


async def no_drafting(incident: str) -> None:
    raise AssertionError(f"nothing was to be drafted for {incident}")


async def serve_review(
    serve: Serve,
    pool: Pool,
    clock: SetClock,
    offload: Offload,
    *,
    draft: Callable[[str], Awaitable[None]] = no_drafting,
) -> Review:
    """The two services on a real server."""
    store, items = PostmortemStore(pool), ActionItemStore(pool)
    publisher = Publisher(postmortems=store, publications=PublicationStore(pool), tasks={}, clock=clock)
    postmortems = PostmortemService(
        store=store,
        clock=clock,
        offload=offload,
        draft=draft,
        changes=Changes(pool, CHANNEL),
        published=publisher.wake,
    )
    action_items = ActionItemService(postmortems=store, items=items, clock=clock, offload=offload)
    channel = await serve(
        lambda server: postmortem_service_pb2_grpc.add_PostmortemServiceServicer_to_server(postmortems, server),
        lambda server: action_item_service_pb2_grpc.add_ActionItemServiceServicer_to_server(action_items, server),
    )
    return Review(
        channel.stub(postmortem_service_pb2_grpc.PostmortemServiceStub),
        channel.stub(action_item_service_pb2_grpc.ActionItemServiceStub),
        store,
        clock,
        publisher,
        channel.address,
    )
