"""The Orders API: `sales.orders.v1`, served from what `sales.order.created.v1` says; new orders go to the ERP.

    TREADLE_NATS_URL=… TREADLE_NATS_USER=… TREADLE_NATS_PASSWORD=… \\
      python orders.py --port 7102 --data DIR --erp http://127.0.0.1:7203

`POST /admin/faults {"status": 500}` makes every call of the API fail like that, `{"status": null}` mends it. The path
is in no contract, so that the gateway has no route to it.
"""

import httpx
from process import Handler, arguments, follow, refuse, serve
from read_model import ReadModel, after, limit_of, page
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHANNEL = "sales.order.created.v1"
GROUP = "orders-api"
SCHEMA = """
CREATE TABLE IF NOT EXISTS placed (
  orderId TEXT PRIMARY KEY, customerId TEXT NOT NULL, amount REAL NOT NULL, currency TEXT NOT NULL,
  createdAt TEXT NOT NULL
);
"""


def keeper(model: ReadModel) -> Handler:
    async def keep(event) -> None:
        """The bus has checked the event against its contract: what is required is there."""
        data = event.data
        with model.once(GROUP, data["eventId"]) as rows:
            if rows is not None:
                rows.execute(
                    "INSERT OR IGNORE INTO placed VALUES (?, ?, ?, ?, ?)",
                    [data[name] for name in ("orderId", "customerId", "amount", "currency", "occurredAt")],
                )

    return keep


class Erp:
    """The system of record. What is placed there under a reference can be found by it again."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=1.5, trust_env=False)

    async def place(self, reference: str, order: dict[str, object]) -> dict[str, str]:
        """Raises httpx.HTTPError."""
        asked = {
            "customer": order["customerId"],
            "total": str(order["amount"]),
            "currency": order["currency"],
            "reference": reference,
        }
        answer = await self._client.post("/api/orders", json=asked)
        return placed(answer.raise_for_status().json())

    async def find(self, reference: str) -> dict[str, str] | None:
        """Raises httpx.HTTPError."""
        answer = await self._client.get("/api/orders", params={"reference": reference})
        found = answer.raise_for_status().json()["records"]
        return placed(found[0]) if found else None


def placed(record: dict[str, str]) -> dict[str, str]:
    return {"orderId": record["id"], "status": record["status"]}


def reference_of(request: Request) -> str:
    """A key means something to its consumer alone; the gateway says who that is."""
    return f"{request.headers.get('x-treadle-consumer', '')}/{request.headers.get('idempotency-key', '')}"


class Faults:
    """What the API is told to answer instead of the truth, for rehearsals."""

    status: int | None = None


def routes(model: ReadModel, faults: Faults, erp: Erp) -> tuple[list[Route], list[Route]]:
    """Those of the API, and those of who looks after the service."""

    async def list_orders(request: Request) -> Response:
        if faults.status is not None:
            return refuse(request, faults.status, "INTERNAL", "The service was told to fail.")
        try:
            last = after(request.query_params.get("cursor", ""))
            limit = limit_of(request.query_params.get("limit", "20"))
        except ValueError:
            return refuse(request, 400, "BAD_REQUEST", "cursor must come from nextCursor, limit is 1 to 100.")
        found = model.rows("SELECT * FROM placed WHERE orderId > ? ORDER BY orderId LIMIT ?", last, limit + 1)
        return JSONResponse(page(found, "orderId", limit))

    async def place_order(request: Request) -> Response:
        """The gateway has checked the call against the contract, and that its key is new."""
        if faults.status is not None:
            return refuse(request, faults.status, "INTERNAL", "The service was told to fail.")
        try:
            return JSONResponse(await erp.place(reference_of(request), await request.json()), 201)
        except httpx.HTTPError:
            return refuse(request, 503, "UPSTREAM_UNAVAILABLE", "The ERP does not answer now.")

    async def find_placed_order(request: Request) -> Response:
        try:
            found = await erp.find(reference_of(request))
        except httpx.HTTPError:
            return refuse(request, 503, "UPSTREAM_UNAVAILABLE", "The ERP does not answer now.")
        return JSONResponse(found) if found else refuse(request, 404, "NOT_FOUND", "No order has this key.")

    async def get_order(request: Request) -> Response:
        if faults.status is not None:
            return refuse(request, faults.status, "INTERNAL", "The service was told to fail.")
        found = model.rows("SELECT * FROM placed WHERE orderId = ?", request.path_params["id"])
        return JSONResponse(found[0]) if found else refuse(request, 404, "NOT_FOUND", "There is no such order.")

    async def set_faults(request: Request) -> Response:
        try:
            status = (await request.json())["status"]
        except (ValueError, KeyError, TypeError):
            return refuse(request, 400, "BAD_REQUEST", 'Say {"status": 500}, or null for none.')
        if status is not None and not (type(status) is int and 400 <= status <= 599):
            return refuse(request, 400, "BAD_REQUEST", "status is 400 to 599, or null.")
        faults.status = status
        return JSONResponse({"status": status})

    api = [
        Route("/v1/orders", list_orders, methods=["GET"]),
        Route("/v1/orders", place_order, methods=["POST"]),
        Route("/v1/placed-orders", find_placed_order),
        Route("/v1/orders/{id}", get_order),
    ]
    return api, [Route("/admin/faults", set_faults, methods=["POST"])]


def main() -> None:
    given = arguments(GROUP, erp="http://127.0.0.1:7203")
    model = ReadModel(given.data, "orders", SCHEMA)
    api, operators = routes(model, Faults(), Erp(given.erp))
    secure = (given.tls_port, given.certificates) if given.certificates else None

    async def following() -> None:
        await follow(CHANNEL, GROUP, keeper(model))

    serve(GROUP, given.port, api, following, operators=operators, secure=secure)
    model.close()


if __name__ == "__main__":
    main()
