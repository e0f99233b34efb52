"""The ITSM tool of ACME: incidents over REST, and a signed webhook for each that is raised or changed.

python itsm.py --port 7202 --data DIR --webhook-url http://…/v1/webhooks/itsm --key FILE [--ca FILE] [--lively]
"""

import random

from outbox import Outbox
from process import arguments, every, json_object, serve, webhook_arguments
from records import Record, Records, now
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SEED = (
    ("Checkout answers slowly", 2, "checkout", "sam.ito@acme.example"),
    ("Invoices miss the tax number", 3, "billing", "nora.berg@acme.example"),
)
REPORTS = (
    ("Login page shows an old logo", 4, "portal"),
    ("Search gives no results", 2, "shop"),
    ("Label printer is offline", 3, "warehouse"),
    ("Payment provider times out", 1, "checkout"),
)
CALLERS = ("sam.ito@acme.example", "nora.berg@acme.example", "omar.said@acme.example")
STATES = ("new", "in_progress", "resolved")


class Itsm:
    def __init__(self, records: Records, outbox: Outbox | None) -> None:
        self.records = records
        self.outbox = outbox
        if not records.all():
            for text, priority, service, caller in SEED:
                self.raise_incident(text, priority, service, caller)

    def raise_incident(self, text: str, priority: int, service: str, caller: str, traceparent: str = "") -> Record:
        number = self.records.next_id("INC-", 9001)
        record = {
            "id": number,
            "number": number,
            "short_description": text,
            "priority": priority,
            "service": service,
            "caller": caller,
            "state": "new",
            "opened_at": now(),
        }
        return self._save(record, "incident.raised", traceparent)

    def change(self, record: Record, state: str, traceparent: str = "") -> Record:
        return self._save(record | {"state": state}, "incident.updated", traceparent)

    def _save(self, record: Record, what: str, traceparent: str) -> Record:
        at = now()
        record |= {"updated_at": at}
        message = {"type": what, "timestamp": at, "data": record} if self.outbox else None
        self.records.put(record, message, traceparent)
        if self.outbox:
            self.outbox.wake()
        return record

    def somebody_works(self) -> None:
        unsolved = [each for each in self.records.all() if each["state"] != "resolved"]
        if unsolved and random.random() < 0.6:
            self.change(random.choice(unsolved), random.choice(STATES[1:]))
        else:
            self.raise_incident(*random.choice(REPORTS), random.choice(CALLERS))


def routes(itsm: Itsm) -> list[Route]:
    async def list_incidents(_: Request) -> Response:
        return JSONResponse({"records": itsm.records.all()})

    async def get_incident(request: Request) -> Response:
        record = itsm.records.get(request.path_params["id"])
        return JSONResponse(record) if record else JSONResponse({"error": "no such incident"}, 404)

    async def raise_incident(request: Request) -> Response:
        body = await json_object(request)
        texts = [body.get(name) for name in ("short_description", "service", "caller")]
        priority = body.get("priority")
        if not all(isinstance(each, str) and each for each in texts) or priority not in (1, 2, 3, 4, 5):
            return JSONResponse({"error": "short_description, service, caller (text) and priority 1 to 5"}, 400)
        text, service, caller = texts
        record = itsm.raise_incident(text, priority, service, caller, request.headers.get("traceparent", ""))
        return JSONResponse(record, 201)

    async def change_incident(request: Request) -> Response:
        record = itsm.records.get(request.path_params["id"])
        if record is None:
            return JSONResponse({"error": "no such incident"}, 404)
        state = (await json_object(request)).get("state")
        if state not in STATES:
            return JSONResponse({"error": f"state is one of {', '.join(STATES)}"}, 400)
        return JSONResponse(itsm.change(record, state, request.headers.get("traceparent", "")))

    return [
        Route("/api/incidents", list_incidents, methods=["GET"]),
        Route("/api/incidents", raise_incident, methods=["POST"]),
        Route("/api/incidents/{id}", get_incident, methods=["GET"]),
        Route("/api/incidents/{id}", change_incident, methods=["PATCH"]),
    ]


def main() -> None:
    parser = arguments("itsm")
    webhook_arguments(parser)
    given = parser.parse_args()
    records = Records(given.data, "itsm")
    tls = {"ca": given.ca, "certificate": given.certificate}
    outbox = Outbox(records, given.webhook_url, given.key, **tls) if given.webhook_url else None
    itsm = Itsm(records, outbox)
    tasks = [outbox.send] if outbox else []
    if given.lively:
        tasks.append(lambda: every(given.every, itsm.somebody_works))
    serve("itsm", given.port, routes(itsm), tasks)
    records.close()


if __name__ == "__main__":
    main()
