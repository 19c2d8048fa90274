"""Action items in trackers that fail: each has its issue in the end, none has two, and states go both ways."""

import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.drafting.action_items import ItemChanges, State
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.action_items import Search as ItemSearch
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.tracker_issues import TrackerIssueStore
from services.drafting.trackers.following import Following
from services.drafting.trackers.github import GitHub
from services.drafting.trackers.issue import Tracker
from services.drafting.trackers.jira import Jira
from services.drafting.trackers.line import Address, Line, open_client
from services.drafting.trackers.linear import Linear
from shared.clock import SetClock
from shared.postgres.pool import Pool
from tests.conftest import PoolFor
from tests.fakes.tracker import SEARCH_LAG, FakeTracker, Fault, Made, fake_tracker
from tests.services.drafting.review_factory import ITEM, TEXT, drafted

TOKEN = "token-that-nobody-may-see"
SETTLE = timedelta(seconds=90)
_TRACKERS: dict[str, Callable[[str], Tracker]] = {
    "github": lambda url: GitHub("acme/shop"),
    "jira cloud": lambda url: Jira("SHOP", address=url, is_cloud=True),
    "jira data center": lambda url: Jira("SHOP", address=url, is_cloud=False),
    "linear": lambda url: Linear("team"),
}
every_tracker = pytest.mark.parametrize("vendor", list(_TRACKERS))


@dataclass(slots=True)
class Scene:
    """A tracker, our items, and what connects them."""

    fake: FakeTracker
    following: Following
    items: ActionItemStore
    store: TrackerIssueStore
    clock: SetClock

    async def settle(self) -> None:
        """Works until nothing waits any more, moving the clock to what is due."""
        for _ in range(500):
            await self.following.work_off()
            due = await self.store.next_due()
            if due is None:
                return
            # A limit that holds everything back moves nothing: time has to go on.
            self.clock.set(due if due > self.clock.now() else self.clock.now() + timedelta(seconds=7))
        raise AssertionError("something waits for ever")


Build = Callable[..., Awaitable[Scene]]


async def publish_items(pool: Pool, clock: SetClock, count: int) -> ActionItemStore:
    """A published post-mortem with `count` open items, straight in the tables."""
    rows = "\n".join(ITEM.replace("Document the pool limit", f"Do thing {number} [x]") for number in range(count))
    store = PostmortemStore(pool)
    async with pool.acquire() as connection, connection.transaction():
        await store.keep_draft(connection, drafted(text=TEXT.replace(ITEM, rows)), clock.now())
        await connection.execute("UPDATE action_items SET state = 2")
    return ActionItemStore(pool)


@pytest.fixture
async def scene(pool_for: PoolFor, set_clock: SetClock) -> AsyncIterator[Build]:

    async with AsyncExitStack() as stack:

        async def build(vendor: str, count: int, faults: Iterator[Fault] | None = None) -> Scene:
            pool = await pool_for("drafting", "services.drafting.migrations")
            items = await publish_items(pool, set_clock, count)
            fake = await stack.enter_async_context(fake_tracker(set_clock, faults or iter(())))
            client = await stack.enter_async_context(open_client(timeout_s=0.05))
            tracker = _TRACKERS[vendor](fake.url)
            store = TrackerIssueStore(pool, tracker.name)
            line = Line(
                Address(fake.url, {"authorization": f"Bearer {TOKEN}"}), client, set_clock, name=tracker.name
            )
            following = Following(
                tracker=tracker,
                line=line,
                store=store,
                items=items,
                clock=set_clock,
                settle=SETTLE,
                poll_every=timedelta(minutes=5),
                webhook_secret="hush",
                dashboard_url="https://afteraction.example.org/",
            )
            return Scene(fake, following, items, store, set_clock)

        yield build


@every_tracker
async def test_two_hundred_creations_through_every_fault_make_two_hundred_issues(
    scene: Build, vendor: str
) -> None:
    # given a tracker that fails two creations of three, in every way it can, and whose search lags half a minute
    chosen = random.Random(20261124)
    faults = itertools.cycle(chosen.choices([*Fault, *[Fault.NONE] * 5], k=997))
    there: Scene = await scene(vendor, 200, faults)

    # when they are worked off, and everything that was still under way over there has come about
    await there.settle()
    there.clock.advance(600)
    await there.following.poll()

    # then each item has one issue, which it knows
    existing = there.fake.existing()
    assert len(existing) == 200, f"{there.fake.creations} creations were asked for"
    assert len({issue.title for issue in existing}) == 200
    items = await there.items.find(ItemSearch(), 500)
    assert len({item.url for item in items}) == 200
    assert there.fake.creations > 250
    assert there.fake.tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("vendor", ["github", "jira cloud", "jira data center"])
async def test_what_comes_about_after_every_wait_is_closed_as_a_duplicate(
    scene: Build, vendor: str
) -> None:
    # given a creation that the tracker makes ten minutes after its answer was lost
    there: Scene = await scene(vendor, 1, iter([Fault.MAKES_LATE]))
    await there.following.work_off()
    there.fake.issues[0].at += timedelta(minutes=10)
    there.fake.issues[0].updated_at = there.fake.issues[0].at

    # when the wait is over, it is tried again, and the first one appears
    await there.settle()
    there.clock.advance(600 + SEARCH_LAG.total_seconds())
    await there.following.poll()

    # then one is open: the one that the item knows
    [stays] = there.fake.open()
    [item] = await there.items.find(ItemSearch(), 5)
    assert len(there.fake.existing()) == 2
    assert item.url.endswith(stays.id)
    assert item.state is State.OPEN


async def test_somebody_elses_copy_of_an_issue_is_not_closed(scene: Build) -> None:
    # given an issue of ours, and one that a person had made long before, whose body now holds our marker
    there: Scene = await scene("github", 1)
    await there.settle()
    [ours] = there.fake.issues
    there.fake.issues.append(Made("99", "theirs", ours.body, ours.at - timedelta(days=3), updated_at=ours.at))

    # when
    await there.following.poll()

    # then
    assert {issue.id for issue in there.fake.open()} == {ours.id, "99"}


@every_tracker
async def test_crash_between_the_note_and_the_answer_looks_before_it_tries_again(
    scene: Build, vendor: str
) -> None:
    # given a try that was written down and made, whose process died before it learnt the answer
    there: Scene = await scene(vendor, 1, iter([Fault.DROPS_AND_MAKES]))
    await there.following.work_off()

    # when the next process goes on
    await there.settle()

    # then
    assert len(there.fake.existing()) == 1
    [item] = await there.items.find(ItemSearch(), 5)
    assert item.url


@every_tracker
async def test_states_go_both_ways_and_the_last_change_counts(scene: Build, vendor: str) -> None:
    # given an item with its issue
    there: Scene = await scene(vendor, 1)
    await there.settle()
    [issue] = there.fake.issues

    # when somebody closes the issue
    issue.state, issue.reason = "closed", "completed"
    there.clock.advance(60)
    await there.following.poll()

    # then the item is done
    [item] = await there.items.find(ItemSearch(), 5)
    assert item.state is State.DONE

    # when somebody opens the item again here
    await there.items.change(item, ItemChanges(state=State.OPEN), "ada", there.clock.now())
    await there.following.poll()

    # then the issue is open again
    assert issue.state == "open"

    # when the item is done here
    [item] = await there.items.find(ItemSearch(), 5)
    await there.items.change(item, ItemChanges(state=State.DONE), "ada", there.clock.now())
    await there.following.poll()

    # then the issue is closed
    assert issue.state == "closed"
    [item] = await there.items.find(ItemSearch(), 5)
    assert item.state is State.DONE


async def test_tracker_that_asks_to_wait_is_left_alone_that_long(scene: Build) -> None:
    # given
    there: Scene = await scene("github", 2, iter([Fault.LIMITS]))
    await there.following.work_off()
    assert there.fake.creations == 1

    # when six of the seven seconds are over
    there.clock.advance(6)
    await there.following.work_off()

    # then nothing was asked; after the seventh it is
    assert there.fake.creations == 1
    there.clock.advance(1)
    assert await there.following.work_off() == 2


@every_tracker
async def test_item_that_is_done_before_its_issue_is_made_needs_none(scene: Build, vendor: str) -> None:
    there: Scene = await scene(vendor, 1, iter([Fault.LIMITS]))
    await there.following.work_off()
    [item] = await there.items.find(ItemSearch(), 5)
    await there.items.change(item, ItemChanges(state=State.DONE), "ada", there.clock.now())

    await there.settle()

    assert there.fake.issues == []


async def test_ticket_of_the_incident_links_to_the_postmortem_once(scene: Build) -> None:
    there: Scene = await scene("github", 1)
    await there.settle()
    ticket = "https://github.com/acme/shop/issues/1"

    for _ in range(2):
        assert await there.following.link(ticket, "Checkout fails", "https://afteraction.example.org/postmortems/x")

    assert len(there.fake.issues[0].comments) == 1
    assert not await there.following.link("https://evil.example.org/acme/shop/issues/1", "t", "u")
