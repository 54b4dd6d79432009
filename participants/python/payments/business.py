"""What is paid, in whole cents."""

from typing import Any

from psycopg import Connection

from makegood_barrier import Order, Refusal

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, cents bigint NOT NULL CHECK (cents >= 0));
CREATE TABLE IF NOT EXISTS entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  saga text NOT NULL, step text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('charge', 'refund')),
  account text NOT NULL, cents bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_step ON entries (saga, step);
INSERT INTO accounts VALUES ('alice', 100000000), ('bob', 1000) ON CONFLICT DO NOTHING;
"""

COUNT_EFFECTS = """SELECT count(*) FILTER (WHERE kind = 'charge'), count(*) FILTER (WHERE kind = 'refund')
    FROM entries WHERE saga = %s AND step = %s"""

_NOTE = "INSERT INTO entries (saga, step, kind, account, cents) VALUES (%s, %s, %s, %s, %s) RETURNING id"


def charge(tx: Connection, order: Order) -> dict[str, int]:
    """Takes the money, if it is there."""
    account, cents = _read(order.input)
    payment = _note(tx, order, "charge", account, cents)
    taken = tx.execute("UPDATE accounts SET cents = cents - %s WHERE id = %s AND cents >= %s", (cents, account, cents))
    if taken.rowcount == 0:
        raise Refusal("INSUFFICIENT_FUNDS", f'account "{account}" does not have {cents} cents')
    return {"payment": payment}


def refund(tx: Connection, order: Order) -> dict[str, int]:
    """Gives back what was taken.

    It goes by what was written down and not by what the caller says: nobody may know the output of an action whose
    answer was lost.
    """
    find = "SELECT account, cents FROM entries WHERE saga = %s AND step = %s AND kind = 'charge'"
    charged = tx.execute(find, (order.call.saga, order.call.step)).fetchone()
    if charged is None:
        raise LookupError(f"expected a charge of {order.call.saga}/{order.call.step}, found none")
    account, cents = charged
    tx.execute("UPDATE accounts SET cents = cents + %s WHERE id = %s", (cents, account))
    return {"refund": _note(tx, order, "refund", account, cents)}


def _read(given: Any) -> tuple[str, int]:
    account = given.get("account") if isinstance(given, dict) else None
    cents = given.get("cents") if isinstance(given, dict) else None
    # True is an int to Python.
    is_amount = isinstance(cents, int) and not isinstance(cents, bool) and 1 <= cents <= 10**12
    if not isinstance(account, str) or not is_amount:
        raise Refusal("INVALID_PAYMENT", "expected {account, cents} with cents an integer from 1 to 10^12")
    return account, cents


def _note(tx: Connection, order: Order, kind: str, account: str, cents: int) -> int:
    return tx.execute(_NOTE, (order.call.saga, order.call.step, kind, account, cents)).fetchone()[0]
