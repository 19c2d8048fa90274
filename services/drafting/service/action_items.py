"""ActionItemService: work that a review asks for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from afteraction.v1 import action_item_pb2, action_item_service_pb2_grpc
from afteraction.v1 import action_item_service_pb2 as pb
from services.drafting.action_items import Item, ItemChanges, State
from services.drafting.review import life as review
from services.drafting.review import messages
from services.drafting.store.action_items import ActionItemStore, Search, SortKey, sort_key
from services.drafting.store.postmortems import PostmortemStore
from shared.clock import Clock
from shared.errors import Aborted, InvalidArgument, NotFound
from shared.names import deterministic_id
from shared.offload import Offload
from shared.rpc.field_mask import masked_fields
from shared.rpc.paging import decode_token, encode_token, page_size
from shared.rpc.wrapping import Context

_MOST_TRIES = 50
# Takes the headers and body of a webhook; how many items changed.
Told = Callable[[Mapping[str, str], bytes], Awaitable[int]]


class ActionItemService(action_item_service_pb2_grpc.ActionItemServiceServicer):
    """An item of an unpublished post-mortem is changed in its row of the text; a published one by itself."""

    def __init__(
        self,
        *,
        postmortems: PostmortemStore,
        items: ActionItemStore,
        clock: Clock,
        offload: Offload,
        tracker: str = "",
        told: Told | None = None,
    ) -> None:
        """told: takes what a webhook of `tracker` sent; None where no tracker is set."""
        self._postmortems = postmortems
        self._items = items
        self._clock = clock
        self._offload = offload
        self._tracker = tracker
        self._told = told

    async def CreateActionItem(
        self, request: pb.CreateActionItemRequest, context: Context
    ) -> action_item_pb2.ActionItem:
        wanted = messages.item_row(request.action_item)
        if not wanted.title:
            raise InvalidArgument("an action item needs a title", reason="EMPTY_TITLE", field="action_item.title")
        for _ in range(_MOST_TRIES):
            before = await self._postmortems.get(request.postmortem)
            if before.published_revision:
                unique = request.request_id or f"{wanted.title}\x1f{len(before.items)}"
                item = await self._items.add(
                    before.name,
                    wanted,
                    identifier=deterministic_id("added action item", before.name, unique),
                    author=request.author,
                    at=self._clock.now(),
                )
                return messages.action_item(item)
            same = next((item for item in before.items if item.title == wanted.title), None)
            if same is not None:
                return messages.action_item(same)
            changed = await self._offload.run(review.add_item, before, wanted, author=request.author)
            after = await self._postmortems.write(before, changed, self._clock.now())
            if after is not None:
                return messages.action_item(next(item for item in after.items if item.title == wanted.title))
        raise Aborted(
            f"{request.postmortem} is being changed by many at once; try again",
            reason="BUSY",
            resource=request.postmortem,
        )

    async def GetActionItem(self, request: pb.GetActionItemRequest, context: Context) -> action_item_pb2.ActionItem:
        return messages.action_item(await self._items.get(request.name))

    async def ListActionItems(self, request: pb.ListActionItemsRequest, context: Context) -> pb.ListActionItemsResponse:
        size, key = page_size(request.page_size), decode_token(request.page_token, 4)
        is_of_one = bool(request.postmortem)
        search = Search(
            stream="" if request.stream == "-" or (is_of_one and not request.stream) else request.stream or "live",
            postmortem=request.postmortem,
            states=tuple(map(int, request.states)),
            owner=request.owner,
            overdue_on=self._clock.now().date() if request.is_overdue else None,
            after=_after(key) if key else None,
        )
        found = await self._items.find(search, size + 1)
        token = encode_token(*map(str, sort_key(found[size - 1]))) if len(found) > size else ""
        return pb.ListActionItemsResponse(
            action_items=[messages.action_item(item) for item in found[:size]], next_page_token=token
        )

    async def UpdateActionItem(
        self, request: pb.UpdateActionItemRequest, context: Context
    ) -> action_item_pb2.ActionItem:
        fields = masked_fields(request.update_mask, messages.CHANGEABLE)
        values = messages.changes(request.action_item, fields)
        for _ in range(_MOST_TRIES):
            item = await self._items.get(request.action_item.name)
            self._check(item, request)
            if item.state is not State.SUGGESTED:
                after = await self._items.change(item, values, request.author, self._clock.now())
            else:
                after = await self._change_row(item, values, request.author)
            if after is not None:
                return messages.action_item(after)
        raise Aborted(
            f"{request.action_item.name} is being changed by many at once; try again",
            reason="BUSY",
            resource=request.action_item.name,
        )

    async def _change_row(self, item: Item, values: ItemChanges, author: str) -> Item | None:
        """A suggestion's row in the text is what says it; dropping one takes the row away."""
        before = await self._postmortems.get(item.postmortem)
        changed = await self._offload.run(review.change_item, before, item, values, author=author)
        if changed.after == before:
            return item
        after = await self._postmortems.write(before, changed, self._clock.now())
        if after is None:
            return None
        dropped = replace(item, state=State.DROPPED)
        return next((known for known in after.items if known.name == item.name), dropped)

    async def ReceiveTrackerWebhook(
        self, request: pb.ReceiveTrackerWebhookRequest, context: Context
    ) -> pb.ReceiveTrackerWebhookResponse:
        if self._told is None or request.tracker != self._tracker:
            raise NotFound(
                f"no tracker {request.tracker!r} is set; AFTERACTION_DRAFTING_TRACKER is {self._tracker!r}",
                reason="TRACKER_NOT_SET",
                resource=request.tracker,
            )
        return pb.ReceiveTrackerWebhookResponse(changed=await self._told(dict(request.headers), request.body))

    def _check(self, item: Item, request: pb.UpdateActionItemRequest) -> None:
        if request.action_item.etag and request.action_item.etag != item.etag:
            raise Aborted(
                f"{item.name} changed after you read it; read it again", reason="STALE_ETAG", resource=item.name
            )


def _after(key: tuple[str, ...]) -> SortKey:
    is_closed, due, priority, name = key
    return is_closed == str(True), messages.time(due).date(), messages.number(priority), name
