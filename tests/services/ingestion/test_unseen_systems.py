"""Log formats that no mask was written for, made of templates that are known: lines of one template are one group."""

import random
import re
from collections.abc import Callable, Sequence

import pytest

from tests.eval.ingestion_logs import grouping_accuracy, mined

LINES = 800
SYSTEMS: dict[str, Sequence[str]] = {
    "key=value": (
        'ts={number} level=info msg="request done" path={path} status={number} dur={decimal}ms',
        'ts={number} level=warn msg="request slow" path={path} status={number} dur={decimal}ms',
        "event=order_placed order={number} total={decimal}", "event=order_failed order={number} reason=card_declined",
        "event=order_failed order={number} reason=out_of_stock", "job={uuid} state=QUEUED worker={number}",
        "job={uuid} state=RUNNING worker={number}"),
    "JSON": (
        '{{"level":"info","msg":"user logged in","id":{number},"ip":"{address}"}}',
        '{{"level":"error","msg":"payment declined","id":{number},"amount":{decimal},"ip":"{address}"}}',
        '{{"level":"info","msg":"cart updated","items":[{number},{number}],"id":"{uuid}"}}'),
    "hexadecimal": (
        "dump of {number} bytes at 0x{digits}", "frame 0x{digits} crc {digits} ok", "frame 0x{digits} crc {digits} BAD",
        "sha1 {digits}{digits} verified for {path}", "registers rax={digits} rip=0x{digits}"),
    "quoted names": (
        'Loading plugin "{name}" from {path}', "Query 'SELECT * FROM orders WHERE id={number}' took {decimal} ms",
        'topic "{name}" has {number} subscribers', 'Renamed "{name}" to "{name}"'),
    "long lists": (
        "checked hosts {addresses}", "removed partitions [{numbers}] from consumer-{number}", "offsets: {numbers}"),
    "stack traces": (
        "Traceback (most recent call last):", "java.lang.IllegalStateException: pool {number} is closed",
        "    at com.acme.shop.Cart.load(Cart.java:{number})", "goroutine {number} [running]:",
        "panic: runtime error: index out of range [{number}] with length {number}",
        "Caused by: java.net.SocketTimeoutException: Read timed out"),
    "states": (
        "State changed from IDLE to BUSY", "State changed from BUSY to IDLE", "lease {uuid} lost", "lease {uuid} taken",
        "TLS handshake error from {address}:{number}: EOF", '[{uuid}] {address} - "GET {path} HTTP/1.1" {number}',
        "TLS handshake error from {address}:{number}: remote error: tls: bad certificate",
        '[{uuid}] {address} - "POST {path} HTTP/1.1" {number}'),
}


def filler(chance: random.Random) -> Callable[[str], str]:
    def address() -> str:
        return ".".join(str(chance.randrange(256)) for _ in range(4))

    def several(one: Callable[[], str], between: str) -> str:
        return between.join(one() for _ in range(chance.randrange(1, 20)))

    def number() -> str:
        return str(chance.randrange(10**chance.randrange(1, 7)))

    def path() -> str:
        return "/" + "/".join(chance.choice(("var", "api", "cart", "x86")) for _ in range(chance.randrange(2, 5)))

    values: dict[str, Callable[[], str]] = {
        "number": number, "decimal": lambda: f"{chance.uniform(0, 900):.2f}", "address": address,
        "path": path,
        "uuid": lambda: "-".join(chance.randbytes(size).hex() for size in (4, 2, 2, 2, 6)),
        "digits": lambda: chance.randbytes(8).hex(),
        "name": lambda: chance.choice(("checkout", "catalog", "search", "mail", "web.cart")),
        "addresses": lambda: several(address, " "), "numbers": lambda: several(number, ", ")}
    return lambda template: re.sub(r"\{(\w+)\}", lambda match: values[match[1]](), template).replace(
        "{{", "{").replace("}}", "}")


@pytest.mark.parametrize("system", SYSTEMS)
def test_lines_of_a_template_are_one_group(system: str) -> None:
    chance = random.Random(system)
    fill, templates = filler(chance), SYSTEMS[system]
    truth = [chance.randrange(len(templates)) for _ in range(LINES)]

    groups, _ = mined([fill(templates[place]) for place in truth])

    assert grouping_accuracy(groups, truth) >= 0.95
