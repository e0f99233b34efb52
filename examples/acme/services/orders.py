"""The Orders API: `sales.orders.v1`, served from what `sales.order.created.v1` says.

    TREADLE_NATS_URL=… TREADLE_NATS_USER=… TREADLE_NATS_PASSWORD=… python orders.py --port 7102 --data DIR

`POST /admin/faults {"status": 500}` makes every call of the API fail like that, `{"status": null}` mends it. The path
is in no contract, so that the gateway has no route to it.
"""

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


class Faults:
    """What the API is told to answer instead of the truth, for rehearsals."""

    status: int | None = None


def routes(model: ReadModel, faults: Faults) -> list[Route]:
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

    return [
        Route("/v1/orders", list_orders),
        Route("/v1/orders/{id}", get_order),
        Route("/admin/faults", set_faults, methods=["POST"]),
    ]


def main() -> None:
    given = arguments(GROUP)
    model = ReadModel(given.data, "orders", SCHEMA)
    serve(GROUP, given.port, routes(model, Faults()), lambda: follow(CHANNEL, GROUP, keeper(model)))
    model.close()


if __name__ == "__main__":
    main()
