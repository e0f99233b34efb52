"""The Customer API: `customer.customers.v1`, and the old v0, served from what `customer.profile.updated.v1` says.

TREADLE_NATS_URL=… TREADLE_NATS_USER=… TREADLE_NATS_PASSWORD=… python customers.py --port 7101 --data DIR
"""

from process import Handler, arguments, follow, refuse, serve
from read_model import ReadModel, after, canonical_time, limit_of, page
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHANNEL = "customer.profile.updated.v1"
GROUP = "customers-api"
SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
  customerId TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, country TEXT NOT NULL,
  segment TEXT NOT NULL, updatedAt TEXT NOT NULL
);
"""


def keeper(model: ReadModel, group: str) -> Handler:
    async def keep(event) -> None:
        """The bus has checked the event against its contract: what is required is there."""
        data = event.data
        with model.once(group, data["eventId"]) as rows:
            if rows is not None:
                # A replay may bring an older event after a newer one: the newer one stays.
                rows.execute(
                    "INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (customerId) DO UPDATE SET"
                    " name = excluded.name, email = excluded.email, country = excluded.country,"
                    " segment = excluded.segment, updatedAt = excluded.updatedAt"
                    " WHERE excluded.updatedAt >= customer.updatedAt",
                    [data[name] for name in ("customerId", "name", "email", "country", "segment")]
                    + [canonical_time(data["occurredAt"])],
                )

    return keep


def routes(model: ReadModel) -> list[Route]:
    async def list_customers(request: Request) -> Response:
        try:
            last = after(request.query_params.get("cursor", ""))
            limit = limit_of(request.query_params.get("limit", "20"))
        except ValueError:
            return refuse(request, 400, "BAD_REQUEST", "cursor must come from nextCursor, limit is 1 to 100.")
        found = model.rows("SELECT * FROM customer WHERE customerId > ? ORDER BY customerId LIMIT ?", last, limit + 1)
        return JSONResponse(page(found, "customerId", limit))

    async def get_customer(request: Request) -> Response:
        id = request.path_params["id"]
        found = model.rows("SELECT * FROM customer WHERE customerId = ?", id)
        return JSONResponse(found[0]) if found else refuse(request, 404, "NOT_FOUND", "There is no such customer.")

    async def get_name(request: Request) -> Response:
        """The first version of the contract."""
        found = model.rows("SELECT customerId, name FROM customer WHERE customerId = ?", request.path_params["id"])
        return JSONResponse(found[0]) if found else refuse(request, 404, "NOT_FOUND", "There is no such customer.")

    return [
        Route("/v1/customers", list_customers),
        Route("/v1/customers/{id}", get_customer),
        Route("/v0/customers/{id}", get_name),
    ]


def main() -> None:
    given = arguments(GROUP)
    model = ReadModel(given.data, "customers", SCHEMA)
    serve(given.group, given.port, routes(model), lambda: follow(CHANNEL, given.group, keeper(model, given.group)))
    model.close()


if __name__ == "__main__":
    main()
