"""The two outages of the demo.

The checkout outage, 2026-07-05 (UTC), with the arithmetic behind its numbers:

- checkout-api has 3 instances with a pool of 10 connections each: 30 connections. Until v2.4.1 a cart is loaded by one
  aggregation of 25 ms; at 230 carts/s that keeps 230 × 0.025 = 6 connections busy, a fifth.
- v2.4.2 sends one query of 20 ms for each item, all at once. A cart has 1 to 20 items, 4.4 on average, so a cart costs
  4.4 × 0.02 = 0.088 connection-seconds, and 30 connections serve 340 carts/s. Single carts become no slower: their
  queries run side by side, 20 ms instead of 25.
- At 03:35 there are 230 carts/s, 68 % of that. Morning comes: 240 at 03:39, 285 at 03:44, 340 shortly before 03:47, 450
  at 04:00. The queue of a pool grows like 1/(1 − utilisation), so that waiting stays below 0.1 s, beside page times of
  0.3 s (median) and 0.7 s (95th percentile), until 95 % are in use; past 100 % it grows by 50 ms a
  second until everybody waits as long as the timeout of 0.7 s lets; who has waited that long is told HTTP 500.
- Overload of 1.0 to 1.33 for 20 minutes fails up to a quarter of the requests. One request in 310 is a checkout, 1.5
  per second in the morning: some 340 of 2,000 fail.
- The release replaced all three instances at once, since a second set stood ready. The rollback does it one after the
  other: each new instance takes two and a half minutes to be fetched, start and warm up, and its predecessor serves
  until then: done at 04:09:40. The old version needs 450 × 0.025 = 11 connections of 30, and the errors end there.

The wishlist outage, some days later: storefront keeps wishlists in a PostgreSQL of its own, 2 instances with 8
connections each. Release 7.12.0 reads one row per entry (11 ms) where 7.11.3 had one join (30 ms): 4.4 × 0.011 = 0.0485
connection-seconds a list, 16 connections serve 330 lists/s; the evening passes that 10 minutes after the release.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from afteraction.v1.event_pb2 import Deploy, Event, Note, Page
from services.cli.demo.system import Hop, Instance, Journey, Outage, Release, Service, Store, Traffic
from shared.timestamps import to_proto

DAY = datetime(2026, 7, 5, tzinfo=UTC)
LATER_DAY = datetime(2026, 7, 9, tzinfo=UTC)
_FOREVER = 1e12
_REPOSITORIES = "https://git.example.org/shop"

ORDERS_DB = Store(
    name="orders-db", system="mongodb", collection="products", pool_size=10, wait_timeout_s=0.7,
    operations=("aggregate", "find"), connections_metric="mongodb.connection.count",
    queries_metric="mongodb.operation.count", error_type="MongoWaitQueueTimeoutError",
    refusals=("MongoWaitQueueTimeoutError: Timed out while checking out a connection from connection pool ({ms} ms)",
              "failed to load products of cart {id}: Timed out while checking out a connection from connection pool",
              "loading {items} products failed, pool has {busy} connections in use and {waiting} requests waiting"))
STOREFRONT_DB = Store(
    name="storefront-db", system="postgresql", collection="wishlist_entries", pool_size=8, wait_timeout_s=0.7,
    operations=("SELECT wishlist_entries JOIN products", "SELECT products"),
    connections_metric="postgresql.backends", queries_metric="postgresql.operations", error_type="PoolAcquireTimeout",
    refusals=("could not acquire a database connection within {ms} ms, giving up",
              "rendering wishlist {id} aborted: PoolAcquireTimeout, {waiting} acquirers are queued",
              "PoolAcquireTimeout: all {busy} connections are lent out"))


def checkout_outage() -> Outage:
    """2026-07-05, 00:30 to 04:40: three quiet hours, the release of 03:35, the rollback of 04:02."""
    traffic = Traffic(low=230, high=450, middle=_at(DAY, 3, 47, 15), width_s=150)
    replaced = _at(DAY, 3, 35, 20)
    back = tuple(_at(DAY, 4, 2) + 153.0 * each for each in (1, 2, 3))
    before, after = Release("v2.4.1", query_s=0.025), Release("v2.4.2", is_query_per_item=True, query_s=0.02)
    instances = [
        *_instances("checkout-api", before, (0, 0, 0), (replaced,) * 3),
        *_instances("checkout-api", after, (replaced,) * 3, back),
        *_instances("checkout-api", before, back, (_FOREVER,) * 3)]
    storefront = _instances("storefront", Release("7.11.3", query_s=0.03), (0, 0), (_FOREVER,) * 2)
    return Outage("checkout-outage", seed=3, begins_at=DAY + timedelta(minutes=30),
                  ends_at=DAY + timedelta(hours=4, minutes=40),
                  services=_services(tuple(instances), storefront),
                  journeys=_journeys(carts=traffic, wishlists=traffic.times(0.05)), events=_checkout_events())


def wishlist_outage() -> Outage:
    """2026-07-09, 16:20 to 18:40: a quiet hour, storefront's release of 17:40, its rollback of 18:09."""
    traffic = Traffic(low=225, high=430, middle=_at(LATER_DAY, 17, 51), width_s=150)
    carts = Traffic(low=445, high=455, middle=_at(LATER_DAY, 17, 30), width_s=600)
    replaced = _at(LATER_DAY, 17, 40, 20)
    back = tuple(_at(LATER_DAY, 18, 9) + 140.0 * each for each in (1, 2))
    before, after = Release("7.11.3", query_s=0.03), Release("7.12.0", is_query_per_item=True, query_s=0.011)
    instances = [
        *_instances("storefront", before, (0, 0), (replaced,) * 2),
        *_instances("storefront", after, (replaced,) * 2, back),
        *_instances("storefront", before, back, (_FOREVER,) * 2)]
    checkout = _instances("checkout-api", Release("v2.4.3", query_s=0.025), (0,) * 3, (_FOREVER,) * 3)
    return Outage("wishlist-outage", seed=1, begins_at=LATER_DAY + timedelta(hours=16, minutes=20),
                  ends_at=LATER_DAY + timedelta(hours=18, minutes=40),
                  services=_services(checkout, tuple(instances)),
                  journeys=_journeys(carts=carts, wishlists=traffic), events=_wishlist_events())


def _services(checkout: tuple[Instance, ...], storefront: tuple[Instance, ...]) -> tuple[Service, ...]:
    plain = Release("1.18.0")
    return (
        Service("storefront", 2, storefront, STOREFRONT_DB),
        Service("checkout-api", 3, checkout, ORDERS_DB),
        Service("payments", 2, _instances("payments", replace(plain, version="3.2.7"), (0, 0), (_FOREVER,) * 2)),
        Service("catalog", 2, _instances("catalog", plain, (0, 0), (_FOREVER,) * 2)))


def _journeys(*, carts: Traffic, wishlists: Traffic) -> tuple[Journey, ...]:
    entry = Hop("storefront", "GET", "/api/cart", 0.012, 0.3)
    cart = Hop("checkout-api", "GET", "/carts/{cart_id}", 0.25, 0.55)
    return (
        Journey("cart", carts, (entry, cart), fails=0.001, loads_at="checkout-api"),
        Journey("checkout", carts.times(1 / 310),
                (replace(entry, method="POST", path="/api/checkout"),
                 replace(cart, method="POST", path="/checkouts", takes_s=0.12),
                 Hop("payments", "POST", "/charges", 0.18, 0.35)), fails=0.001, loads_at="checkout-api"),
        Journey("product", carts.times(0.4), (replace(entry, path="/api/products/{id}"),
                                              Hop("catalog", "GET", "/products/{id}", 0.03, 0.4)), fails=0.0006),
        Journey("wishlist", wishlists, (Hop("storefront", "GET", "/api/wishlist", 0.2, 0.55),), fails=0.0008,
                loads_at="storefront"))


def _instances(service: str, release: Release, starts: tuple[float, ...],
               ends: tuple[float, ...]) -> tuple[Instance, ...]:
    """One instance a slot; names as Kubernetes gives them: the release's hash, then the pod's."""
    def code(*parts: object, length: int) -> str:
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:length]

    group = code(service, release.version, length=8)
    return tuple(Instance(f"{service}-{group}-{code(service, release.version, slot, start, length=5)}", slot, release,
                          start, end) for slot, (start, end) in enumerate(zip(starts, ends, strict=True)))


def _checkout_events() -> tuple[Event, ...]:
    release = Deploy(
        version="v2.4.2", previous_version="v2.4.1", environment="production", instances=3, commit="8c1f2ad90b7e",
        url=f"{_REPOSITORIES}/checkout-api/compare/v2.4.1...v2.4.2",
        changed_files=["src/cart/product_loader.ts", "src/cart/product_loader.test.ts", "CHANGELOG.md"],
        watch_window=Duration(seconds=300), description="Load the products of a cart one by one, so that a withdrawn "
        "product no longer empties the whole cart")
    rollback = Deploy(version="v2.4.1", previous_version="v2.4.2", environment="production", instances=3,
                      commit="51e07c3d44fa", url=f"{_REPOSITORIES}/checkout-api/releases/v2.4.1", is_rollback=True)
    return (
        _event("deploy-checkout-api-v2.4.2", DAY, 3, 35, "checkout-api", "pipeline", deploy=release),
        _event("page-1", DAY, 3, 49, "checkout-api", "pager",
               page=Page(state=Page.STATE_SENT, target="checkout on-call", summary="checkout-api answers HTTP 500")),
        _event("note-1", DAY, 3, 52, "checkout-api", "chat", note=Note(
            author="checkout on-call", text="Since v2.4.2 the product loader sends one query per cart item, and the "
            "pool of 10 is exhausted. The pool limit is documented nowhere.")),
        _event("rollback-checkout-api-v2.4.1", DAY, 4, 2, "checkout-api", "pipeline", deploy=rollback))


def _wishlist_events() -> tuple[Event, ...]:
    release = Deploy(
        version="7.12.0", previous_version="7.11.3", environment="production", instances=2, commit="e2b9946f1c05",
        url=f"{_REPOSITORIES}/storefront/compare/7.11.3...7.12.0",
        changed_files=["app/wishlist/repository.py", "app/wishlist/views.py"], watch_window=Duration(seconds=300),
        description="Wishlist: fetch entries lazily")
    rollback = Deploy(version="7.11.3", previous_version="7.12.0", environment="production", instances=2,
                      commit="0d4c77ab3391", url=f"{_REPOSITORIES}/storefront/releases/7.11.3", is_rollback=True)
    return (
        _event("deploy-storefront-7.12.0", LATER_DAY, 17, 40, "storefront", "pipeline", deploy=release),
        _event("page-2", LATER_DAY, 17, 54, "storefront", "pager",
               page=Page(state=Page.STATE_SENT, target="storefront on-call", summary="storefront error rate is high")),
        _event("rollback-storefront-7.11.3", LATER_DAY, 18, 9, "storefront", "pipeline", deploy=rollback))


def _event(identity: str, day: datetime, hour: int, minute: int, service: str, source: str, *,
           deploy: Deploy | None = None, page: Page | None = None, note: Note | None = None) -> Event:
    return Event(id=identity, occurred_at=to_proto(day + timedelta(hours=hour, minutes=minute)), service=service,
                 source=source, deploy=deploy, page=page, note=note)


def _at(day: datetime, hour: int, minute: int, second: int = 0) -> float:
    return (day + timedelta(hours=hour, minutes=minute, seconds=second)).timestamp()
