"""Billing: one invoice for each order that is created, from `sales.order.created.v1`.

    TREADLE_NATS_URL=… TREADLE_NATS_USER=… TREADLE_NATS_PASSWORD=… python billing.py --port 7103 --data DIR

`GET /status` says how many invoices there are.
"""

from process import Handler, arguments, follow, serve
from read_model import ReadModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHANNEL = "sales.order.created.v1"
GROUP = "billing"
SCHEMA = """
CREATE TABLE IF NOT EXISTS invoice (
  number INTEGER PRIMARY KEY AUTOINCREMENT, orderId TEXT NOT NULL UNIQUE, customerId TEXT NOT NULL,
  amount REAL NOT NULL, currency TEXT NOT NULL, traceparent TEXT NOT NULL
);
"""


def keeper(model: ReadModel) -> Handler:
    async def invoice(event) -> None:
        """Twice the same event, or two events of one order, make one invoice."""
        data = event.data
        with model.once(GROUP, data["eventId"]) as rows:
            if rows is not None:
                rows.execute(
                    "INSERT INTO invoice (orderId, customerId, amount, currency, traceparent) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (orderId) DO NOTHING",
                    [data["orderId"], data["customerId"], data["amount"], data["currency"], event.trace.header()],
                )

    return invoice


def routes(model: ReadModel) -> list[Route]:
    async def status(_: Request) -> Response:
        (counted,) = model.rows("SELECT count(*) AS invoices, max(number) AS last FROM invoice")
        return JSONResponse(counted)

    async def invoices(_: Request) -> Response:
        return JSONResponse({"items": model.rows("SELECT * FROM invoice ORDER BY number DESC LIMIT 20")})

    return [Route("/status", status), Route("/invoices", invoices)]


def main() -> None:
    given = arguments(GROUP)
    model = ReadModel(given.data, "billing", SCHEMA)
    serve(GROUP, given.port, routes(model), lambda: follow(CHANNEL, GROUP, keeper(model)))
    model.close()


if __name__ == "__main__":
    main()
