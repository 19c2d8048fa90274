"""What is to be delivered, written down in the transaction that makes it: a new version of a card, once per target."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from google.protobuf.json_format import MessageToDict

from afteraction.v1 import card_pb2
from services.drafting.store.cards import Rendered
from services.drafting.store.deliveries import DeliveryStore
from shared.names import deterministic_id
from shared.postgres.pool import Connection


class Outbox:
    """Writes deliveries. targets: of `webhook` and `slack`, those that are configured."""

    def __init__(self, deliveries: DeliveryStore, targets: Sequence[str]) -> None:
        self._deliveries = deliveries
        self._targets = tuple(targets)

    async def put(self, connection: Connection, card: Rendered, version: int, at: datetime) -> None:
        """A delivery to each target, in the caller's transaction."""
        for target in self._targets:
            webhook_id = f"msg_{deterministic_id('card', card.incident, str(version))}"
            await self._deliveries.put(connection, webhook_id, target, body(target, card, version), at)


def body(target: str, card: Rendered, version: int) -> bytes:
    """What the target gets: Slack's blocks, or the card with its Markdown."""
    if target == "slack":
        message = card_pb2.Card.FromString(card.message)
        return orjson.dumps(
            {"text": f"{message.title}"[:300].replace("<", "&lt;").replace("@", "@\u2060"), "blocks": card.slack}
        )
    message = card_pb2.Card.FromString(card.message)
    message.version = version
    return orjson.dumps(
        {
            "type": "card.created" if version == 1 else "card.updated",
            "incident": card.incident,
            "version": version,
            "card": MessageToDict(message, preserving_proto_field_name=True),
            "markdown": card.markdown,
        }
    )
