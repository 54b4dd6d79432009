"""`python -m payments`: the payment service as a process.

PORT (default 8082) and HOST (default 127.0.0.1) say where it listens, DATABASE_URL where its PostgreSQL is. With
EFFECTS_VIEW=on it counts its effects at /effects, for the conformance kit.
"""

import logging
import os

from psycopg_pool import ConnectionPool

from makegood_barrier import SCHEMA as BARRIER_SCHEMA
from makegood_barrier import Participant, Step, effects_view, serve

from .business import COUNT_EFFECTS, SCHEMA, charge, refund


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s payments %(levelname)s %(message)s")
    pool = ConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=2,
        max_size=8,
        kwargs={"autocommit": True},
        check=ConnectionPool.check_connection,
    )
    with pool:
        with pool.connection() as connection:
            connection.execute(BARRIER_SCHEMA + SCHEMA)
        participant = Participant(pool, {"charge": Step(charge, refund)})
        routes = {"/effects": effects_view(pool, COUNT_EFFECTS)} if os.environ.get("EFFECTS_VIEW") == "on" else {}
        serve(participant, (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8082"))), routes)


if __name__ == "__main__":
    main()
