"""Tells the world of changes by signed webhook, oldest first, each until it is taken (2xx)."""

import asyncio
import contextlib
import http.client
import random
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

from process import say
from records import Records

from treadle.connect.webhook import SigningKey

TIMEOUT_S = 3.0
LONGEST_PAUSE_S = 5.0


class Outbox:
    def __init__(
        self, records: Records, url: str, key_file: Path, ca: Path | None = None, certificate: Path | None = None
    ) -> None:
        self._records = records
        self._url = urlsplit(url)
        self._ca, self._certificate = ca, certificate
        self._key = SigningKey.read(key_file.read_text())
        self._more = asyncio.Event()

    def wake(self) -> None:
        self._more.set()

    async def send(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            self._more.clear()
            message = self._records.first_message()
            if message is None:
                await self._more.wait()
                continue
            seq, id, traceparent, body = message
            status = await asyncio.to_thread(self._post, id, traceparent, body)
            if 200 <= status < 300:
                self._records.taken(seq)
                failures = 0
                continue
            failures += 1
            say(f"webhook {id} not taken ({status or 'no answer'}), try {failures}")
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.2 * 2 ** min(failures, 8)) * random.uniform(0.5, 1))

    def _post(self, id: str, traceparent: str, body: bytes) -> int:
        """One attempt, signed for this moment. The status, or 0 where nobody answered."""
        headers = {"content-type": "application/json", **self._key.headers(id, int(time.time()), body)}
        if traceparent:
            headers["traceparent"] = traceparent
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.request("POST", self._url.path, body, headers)
                return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        # Read for each attempt: the files may not be there yet, or be others by now.
        context = ssl.create_default_context(cafile=self._ca)
        if self._certificate and self._certificate.is_dir():
            context.load_cert_chain(self._certificate / "tls.crt", self._certificate / "tls.key")
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
