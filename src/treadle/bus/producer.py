"""Publishing as a stock NATS client does: the contract's name, and an answer that is a receipt or a refusal."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from nats.aio.client import Client

from treadle.base.errors import EngineError
from treadle.base.ids import TraceContext
from treadle.bus import headers as h
from treadle.bus.jetstream import JetStream
from treadle.bus.partition import encode_key
from treadle.bus.reason import EventRefusedError
from treadle.bus.record import Receipt
from treadle.bus.subjects import published


class Producer:
    """One client that may publish to its domains."""

    def __init__(self, nc: Client, *, timeout_s: float = 5.0) -> None:
        self._js = JetStream(nc, timeout_s=timeout_s)

    async def publish(
        self,
        channel: str,
        key: str,
        body: bytes,
        *,
        trace: TraceContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Publish one event and wait until it is kept. Publishing it again under the same eventId is safe.

        Raises EventRefusedError where the guard refused it, ValueError for a key that no subject can carry, EngineError
        where nothing answered (`bus-unreachable`, `guard-absent`, `bus-busy`): publish again.
        """
        subject = published(channel, encode_key(key))
        given = {**(headers or {}), **({h.TRACEPARENT: trace.header()} if trace else {})}
        try:
            answer = orjson.loads(await self._js.request(subject, body, given))
        except EngineError as error:
            if error.code != "stream-missing":
                raise
            raise EngineError("guard-absent", f"no guard takes {channel}", "start the fabric: treadle up") from error
        if failed := answer.get("error"):
            if failed["code"] == 422:
                raise EventRefusedError(failed["description"])
            raise EngineError("bus-busy", f"the bus did not keep the event: {failed['description']}", "publish again")
        return Receipt(answer["stream"], answer["seq"], answer.get("duplicate", False))
