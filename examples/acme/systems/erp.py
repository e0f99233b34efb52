"""The ERP of ACME: orders over REST. It tells nobody anything; who wants to know what changed has to ask.

    python erp.py --port 7203 --data DIR [--lively]

`GET /api/orders?updated_since=…&after=<updated_at>,<id>&limit=…` lists by (updated_at, id). An order may carry the
`reference` of whoever asked for it; the same reference is the same order, and `GET /api/orders?reference=…` finds it.
"""

import random
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from process import arguments, every, json_object, serve
from records import Record, Records, now
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LIMIT_MAX = 500
SEED = (
    ("C-1001", "129.90", "EUR", "confirmed"),
    ("C-1003", "4870.00", "USD", "confirmed"),
    ("C-1002", "59.00", "EUR", "confirmed"),
    ("C-1005", "18400", "JPY", "draft"),
    ("C-1004", "310.25", "USD", "draft"),
)


class Erp:
    def __init__(self, records: Records) -> None:
        self.records = records
        if not records.all():
            for customer, total, currency, status in SEED:
                self.create(customer, total, currency, status)

    def create(self, customer: str, total: str, currency: str, status: str = "draft", reference: str = "") -> Record:
        record = {"id": self.records.next_id("O-", 5001), "customer": customer, "total": total, "currency": currency}
        named = {"reference": reference} if reference else {}
        return self.save(record | named | {"status": status})

    def find(self, reference: str) -> list[Record]:
        return [each for each in self.records.all() if each.get("reference") == reference]

    def save(self, record: Record) -> Record:
        record |= {"updated_at": now()}
        self.records.put(record)
        return record

    def somebody_works(self) -> None:
        drafts = [each for each in self.records.all() if each["status"] == "draft"]
        if drafts and random.random() < 0.6:
            self.save(random.choice(drafts) | {"status": "confirmed"})
        else:
            total = f"{random.randint(5, 900)}.{random.choice(('00', '50', '90'))}"
            self.create(f"C-{random.randint(1001, 1006)}", total, random.choice(("EUR", "USD", "GBP")))


def routes(erp: Erp) -> list[Route]:
    async def list_orders(request: Request) -> Response:
        asked = request.query_params
        if "reference" in asked:
            return JSONResponse({"records": erp.find(asked["reference"])})
        try:
            since = canonical_time(asked["updated_since"]) if "updated_since" in asked else ""
            stamp, comma, id = asked.get("after", "").partition(",")
            after = (canonical_time(stamp) if comma else "", id)
            limit = int(asked.get("limit", "100"))
        except ValueError:
            return JSONResponse({"error": "updated_since=TIME, after=TIME,ID and limit=N"}, 400)
        if not 1 <= limit <= LIMIT_MAX:
            return JSONResponse({"error": f"limit is 1 to {LIMIT_MAX}"}, 400)
        return JSONResponse({"records": erp.records.changed(since, after, limit)})

    async def get_order(request: Request) -> Response:
        record = erp.records.get(request.path_params["id"])
        return JSONResponse(record) if record else JSONResponse({"error": "no such order"}, 404)

    async def create_order(request: Request) -> Response:
        body = await json_object(request)
        customer, total, currency = body.get("customer"), amount(body.get("total")), body.get("currency")
        if not isinstance(customer, str) or not customer or total is None or not isinstance(currency, str):
            return JSONResponse({"error": "customer and currency (text) and total (text, like 12.50)"}, 400)
        reference = body.get("reference", "")
        if not isinstance(reference, str) or len(reference) > 400:
            return JSONResponse({"error": "reference is text of at most 400 characters"}, 400)
        if reference and (found := erp.find(reference)):
            return JSONResponse(found[0])
        return JSONResponse(erp.create(customer, total, currency, reference=reference), 201)

    async def change_order(request: Request) -> Response:
        record = erp.records.get(request.path_params["id"])
        if record is None:
            return JSONResponse({"error": "no such order"}, 404)
        if record["status"] == "confirmed":
            return JSONResponse({"error": "a confirmed order does not change"}, 409)
        body = await json_object(request)
        if body.get("status", "draft") not in ("draft", "confirmed") or not body.keys() <= {"status", "total"}:
            return JSONResponse({"error": "one may change total, and status to confirmed"}, 400)
        total = amount(body.get("total", record["total"]))
        if total is None:
            return JSONResponse({"error": "total is text like 12.50"}, 400)
        return JSONResponse(erp.save(record | {"total": total, "status": body.get("status", "draft")}))

    return [
        Route("/api/orders", list_orders, methods=["GET"]),
        Route("/api/orders", create_order, methods=["POST"]),
        Route("/api/orders/{id}", get_order, methods=["GET"]),
        Route("/api/orders/{id}", change_order, methods=["PATCH"]),
    ]


def canonical_time(text: str) -> str:
    """As the records have it, so that text compares as time does."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def amount(value: object) -> str | None:
    """Money as text, or None where it is none."""
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return str(value) if number is not None and number.is_finite() and number >= 0 else None


def main() -> None:
    given = arguments("erp").parse_args()
    records = Records(given.data, "erp")
    erp = Erp(records)
    serve("erp", given.port, routes(erp), [lambda: every(given.every, erp.somebody_works)] if given.lively else [])
    records.close()


if __name__ == "__main__":
    main()
