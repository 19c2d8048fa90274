"""Brings action items into the tracker, once each, and what happens to them there back.

Three things run here: creations that are due, a poll that reads what changed over there (and closes what is there
twice), and webhooks, which say the same sooner. All of them go through one line, one request after the other, and stand
still while the tracker asks to be left alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from services.drafting.action_items import Item, ItemChanges
from services.drafting.action_items import State as ItemState
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.tracker_issues import TrackerIssueStore
from services.drafting.trackers import creation as decisions
from services.drafting.trackers.creation import Creation
from services.drafting.trackers.issue import NEVER_SENT, Issue, NewIssue, State, Tracker
from services.drafting.trackers.line import Line
from shared.clock import Clock
from shared.errors import AfteractionError, InvalidArgument, ResourceExhausted, Unavailable
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)

_STREAM = "live"
_IDLE_S = 30.0
_MOST_TRIES = 20


class Following:
    """One tracker and the action items of the live stream."""

    def __init__(
        self,
        *,
        tracker: Tracker,
        line: Line,
        store: TrackerIssueStore,
        items: ActionItemStore,
        clock: Clock,
        settle: timedelta,
        poll_every: timedelta,
        webhook_secret: str = "",
        dashboard_url: str = "",
    ) -> None:
        """settle: longer than a request may take and the tracker's listing may lag behind it."""
        self._tracker = tracker
        self._line = line
        self._store = store
        self._items = items
        self._clock = clock
        self._settle = settle
        self._poll_every = poll_every
        self._webhook_secret = webhook_secret
        self._dashboard_url = dashboard_url.rstrip("/")
        self._quiet_until: datetime | None = None
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be new action items."""
        self._wake.set()

    async def run(self) -> None:
        """Until it is cancelled. What fails is tried again; said when it begins to fail."""
        is_failing = False
        while True:
            self._wake.clear()
            try:
                await self.work_off()
                if await self._is_poll_due():
                    await self.poll()
                is_failing = False
            except (AfteractionError, *AWAY) as error:
                if not is_failing:
                    log.warning("tracker delayed", tracker=self._tracker.name, error=str(error))
                is_failing = True
            with suppress(TimeoutError):
                async with asyncio.timeout(await self._pause_s()):
                    await self._wake.wait()

    async def work_off(self) -> int:
        """Creates what is due, once each; how many issues there are more."""
        for name in await self._store.unwanted(_STREAM):
            await self._store.want(name, self._tracker.new_marker(), self._clock.now())
        due = await self._store.due(self._clock.now())
        doubtful = [each for each in due if each.is_in_doubt]
        made = await self._look(doubtful) if doubtful and not self._is_quiet() else 0
        for each in due:
            if not each.is_in_doubt and not self._is_quiet():
                made += await self._create(each)
        return made

    async def poll(self) -> int:
        """Reads what changed over there, closes what is there twice, brings states here and there; how many changed."""
        if self._is_quiet():
            return 0
        now = self._clock.now()
        since = await self._store.polled_at() or await self._store.earliest_try()
        if since is None:
            return 0
        try:
            issues = await self._line.hold(self._tracker.changed(since - self._settle, now))
            changed = await self._reconcile(issues)
            for creation in await self._store.out_of_step():
                changed += await self._push(creation, await self._items.get(creation.item))
        except ResourceExhausted as error:
            self._be_quiet(error)
            return 0
        await self._store.polled(now)
        return changed

    async def told(self, headers: Mapping[str, str], body: bytes) -> int:
        """What a webhook says, done at once; how many items changed. Raises Unauthenticated, InvalidArgument."""
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            issue = self._tracker.told(lower, body, self._webhook_secret, self._clock.now())
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument(
                f"the webhook is not one of {self._tracker.name}: {type(error).__name__} while it was read",
                reason="MALFORMED_WEBHOOK",
                field="body",
            ) from None
        return await self._reconcile([issue]) if issue else 0

    async def link(self, ticket_url: str, title: str, url: str) -> bool:
        """The incident's ticket shows its post-mortem; False where it is not a ticket of this tracker."""
        return await self._line.hold(self._tracker.link(ticket_url, title, url))

    async def _create(self, creation: Creation) -> int:
        item = await self._items.get(creation.item)
        now = self._clock.now()
        if not await self._store.begin(creation, now, now + self._settle):
            return 0
        try:
            issue = await self._line.hold(self._tracker.create(self._wanted(item, creation.marker)))
        except ResourceExhausted as error:
            self._be_quiet(error)
            await self._store.undone(item.name, self._clock.now(), error.message)
        except Unavailable as error:
            again = self._clock.now() + decisions.delay(creation.tries)
            if error.reason == NEVER_SENT or self._tracker.takes_ids:
                await self._store.undone(item.name, again, error.message)
            else:
                await self._store.postpone(item.name, self._clock.now() + self._settle, error.message)
        except AfteractionError as error:
            if creation.tries == 0:
                log.error("issue refused", tracker=self._tracker.name, item=item.name, reason=error.reason)
            await self._store.undone(item.name, self._clock.now() + decisions.delay(creation.tries + 2), error.message)
        else:
            return await self._made(creation, issue)
        return 0

    async def _look(self, doubtful: Sequence[Creation]) -> int:
        """One listing for all whose answer was lost; those that it does not show certainly did not come about."""
        now = self._clock.now()
        since = min((each.first_tried_at for each in doubtful if each.first_tried_at), default=now)
        try:
            issues = await self._line.hold(self._tracker.changed(since, now))
        except ResourceExhausted as error:
            self._be_quiet(error)
            return 0
        except AfteractionError as error:
            for each in doubtful:
                await self._store.postpone(each.item, now + decisions.delay(each.tries), error.message)
            return 0
        made = await self._reconcile(issues)
        for each in doubtful:
            # Only where it still has no issue.
            await self._store.undone(each.item, now, "it did not come about")
        return made

    async def _reconcile(self, issues: Iterable[Issue]) -> int:
        """What the tracker shows, brought together with what is written down; how many items changed."""
        issues = tuple(issues)
        creations = await self._store.with_markers([issue.marker for issue in issues])
        changed = 0
        for creation, issue, twice in decisions.matched(issues, creations):
            for other in twice:
                await self._line.hold(self._tracker.close(other.id, State.DROPPED, is_duplicate=True))
                log.warning("issue was there twice", tracker=self._tracker.name, item=creation.item, issue=other.id)
            if issue is None:
                continue
            known = creation.there
            if not creation.id:
                changed += await self._made(creation, issue)
                known = State.OPEN
            changed += await self._follow(creation, issue, known)
        return changed

    async def _follow(self, creation: Creation, issue: Issue, known: State) -> int:
        item = await self._items.get(creation.item)
        decision = decisions.sync(item.state, known, issue.state)
        if decision.push:
            return await self._push(creation, item)
        if decision.here is not None:
            await self._change(item, ItemChanges(state=decision.here))
            log.info("action item followed its issue", item=item.name, state=decision.here.name.lower())
        if issue.state is not known:
            await self._store.saw(creation.item, issue.state)
        return int(decision.here is not None)

    async def _push(self, creation: Creation, item: Item) -> int:
        wanted = {ItemState.DONE: State.DONE, ItemState.DROPPED: State.DROPPED}.get(item.state, State.OPEN)
        if wanted is State.OPEN:
            await self._line.hold(self._tracker.reopen(creation.id))
        elif creation.there is State.OPEN:
            await self._line.hold(self._tracker.close(creation.id, wanted))
        await self._store.saw(creation.item, wanted)
        return 1

    async def _made(self, creation: Creation, issue: Issue) -> int:
        if not await self._store.made(creation.item, issue.id, issue.url, State.OPEN):
            return 0
        await self._change(await self._items.get(creation.item), ItemChanges(url=issue.url))
        log.info("issue created", tracker=self._tracker.name, item=creation.item, issue=issue.id)
        return 1

    async def _change(self, item: Item, changes: ItemChanges) -> None:
        """Somebody may change the item at the same time: read again, change again."""
        for _ in range(_MOST_TRIES):
            if await self._items.change(item, changes, self._tracker.name, self._clock.now()) is not None:
                return
            item = await self._items.get(item.name)

    def _wanted(self, item: Item, marker: str) -> NewIssue:
        link = f"{self._dashboard_url}/{item.postmortem}" if self._dashboard_url else ""
        return NewIssue(
            marker, item.title, item.owner, item.due, item.priority, item.reason, item.postmortem, link
        )

    def _is_quiet(self) -> bool:
        return self._quiet_until is not None and self._clock.now() < self._quiet_until

    def _be_quiet(self, error: ResourceExhausted) -> None:
        self._quiet_until = self._clock.now() + timedelta(seconds=error.retry_after_s or 0.0)
        log.info("tracker asks to wait", tracker=self._tracker.name, wait_s=error.retry_after_s)

    async def _is_poll_due(self) -> bool:
        last = await self._store.polled_at()
        return last is None or self._clock.now() - last >= self._poll_every

    async def _pause_s(self) -> float:
        try:
            due = await self._store.next_due()
        except AWAY:
            return _IDLE_S
        waits = [at for at in (due, self._quiet_until) if at is not None]
        at = max(waits) if waits and self._is_quiet() else due
        if at is None:
            return min(_IDLE_S, self._poll_every.total_seconds())
        return min(max((at - self._clock.now()).total_seconds(), 1.0), _IDLE_S)
