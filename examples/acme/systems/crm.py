"""The CRM of ACME: customers over REST, and a signed webhook for each that is created or changed.

python crm.py --port 7201 --data DIR --webhook-url http://…/v1/webhooks/crm --key FILE [--ca FILE] [--lively]
"""

import random

from outbox import Outbox
from process import arguments, every, json_object, serve, webhook_arguments
from records import Record, Records, now
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FIELDS = ("name", "email", "country", "segment")
SEGMENTS = ("consumer", "business", "enterprise")
SEED = (
    ("Ada Krüger", "ada.krueger@example.com", "DE", "business"),
    ("Benoît Laurent", "b.laurent@example.fr", "FR", "consumer"),
    ("Chidi Okafor", "chidi@okafor-trading.example", "NG", "enterprise"),
    ("Dana Whitfield", "dana.whitfield@example.org", "US", "consumer"),
    ("Emi Tanaka", "emi.tanaka@example.jp", "JP", "business"),
    ("Farid Haddad", "farid@haddad-foods.example", "MA", "business"),
)
NEW_NAMES = ("Greta Lindqvist", "Hugo Marín", "Ines Duarte", "Jonas Weber", "Katya Volkova", "Liam O'Brien")


class Crm:
    def __init__(self, records: Records, outbox: Outbox | None) -> None:
        self.records = records
        self.outbox = outbox
        if not records.all():
            for name, email, country, segment in SEED:
                self.create({"name": name, "email": email, "country": country, "segment": segment})

    def create(self, fields: Record, traceparent: str = "") -> Record:
        record = {"id": self.records.next_id("C-", 1001), "revision": 0, **fields}
        return self._save(record, "customer.created", traceparent)

    def change(self, record: Record, fields: Record, traceparent: str = "") -> Record:
        return self._save(record | fields, "customer.updated", traceparent)

    def _save(self, record: Record, what: str, traceparent: str) -> Record:
        at = now()
        record |= {"revision": record["revision"] + 1, "updated_at": at}
        # Without anyone to tell there is nothing to keep for them.
        message = {"type": what, "timestamp": at, "data": record} if self.outbox else None
        self.records.put(record, message, traceparent)
        if self.outbox:
            self.outbox.wake()
        return record

    def somebody_works(self) -> None:
        if random.random() < 0.25:
            name = random.choice(NEW_NAMES)
            email = name.lower().replace(" ", ".").replace("'", "").encode("ascii", "ignore").decode() + "@example.net"
            self.create({"name": name, "email": email, "country": "SE", "segment": "consumer"})
        else:
            self.change(random.choice(self.records.all()), {"segment": random.choice(SEGMENTS)})


def routes(crm: Crm) -> list[Route]:
    async def list_customers(_: Request) -> Response:
        return JSONResponse({"records": crm.records.all()})

    async def get_customer(request: Request) -> Response:
        record = crm.records.get(request.path_params["id"])
        return JSONResponse(record) if record else JSONResponse({"error": "no such customer"}, 404)

    async def create_customer(request: Request) -> Response:
        fields = await checked(request, FIELDS)
        if fields is None:
            return JSONResponse({"error": f"a customer has {', '.join(FIELDS)}, all of them text"}, 400)
        return JSONResponse(crm.create(fields, request.headers.get("traceparent", "")), 201)

    async def change_customer(request: Request) -> Response:
        record = crm.records.get(request.path_params["id"])
        if record is None:
            return JSONResponse({"error": "no such customer"}, 404)
        fields = await checked(request, ())
        if not fields:
            return JSONResponse({"error": f"one may change {', '.join(FIELDS)}, all of them text"}, 400)
        return JSONResponse(crm.change(record, fields, request.headers.get("traceparent", "")))

    return [
        Route("/api/customers", list_customers, methods=["GET"]),
        Route("/api/customers", create_customer, methods=["POST"]),
        Route("/api/customers/{id}", get_customer, methods=["GET"]),
        Route("/api/customers/{id}", change_customer, methods=["PATCH"]),
    ]


async def checked(request: Request, required: tuple[str, ...]) -> Record | None:
    """The fields of a customer in the body, or None where it is not right."""
    body = await json_object(request)
    right = set(required) <= set(body) <= set(FIELDS) and all(isinstance(each, str) and each for each in body.values())
    return body if right else None


def main() -> None:
    parser = arguments("crm")
    webhook_arguments(parser)
    given = parser.parse_args()
    records = Records(given.data, "crm")
    tls = {"ca": given.ca, "certificate": given.certificate}
    outbox = Outbox(records, given.webhook_url, given.key, **tls) if given.webhook_url else None
    crm = Crm(records, outbox)
    tasks = [outbox.send] if outbox else []
    if given.lively:
        tasks.append(lambda: every(given.every, crm.somebody_works))
    serve("crm", given.port, routes(crm), tasks)
    records.close()


if __name__ == "__main__":
    main()
