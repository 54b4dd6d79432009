"""The barrier's rows, in the transaction of the business."""

from psycopg import Connection

from .call import Call
from .decide import Reply, Row

# Safe to run again. It is the same in every language, so that a service can be written anew without losing what its
# callers were told.
SCHEMA = """
CREATE TABLE IF NOT EXISTS makegood_barrier (
  saga text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  action text CHECK (action IN ('applied', 'refused', 'barred')),
  action_status smallint,
  action_body text,
  undone_status smallint,
  undone_body text,
  called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (saga, step)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS makegood_barrier_called_at ON makegood_barrier (called_at);
"""

_INSERT = "INSERT INTO makegood_barrier (saga, step) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_SELECT = """SELECT epoch, action, action_status, action_body, undone_status, undone_body FROM makegood_barrier
    WHERE saga = %s AND step = %s FOR UPDATE"""
_UPDATE = """UPDATE makegood_barrier SET epoch = %s, action = %s, action_status = %s, action_body = %s,
    undone_status = %s, undone_body = %s, called_at = clock_timestamp() WHERE saga = %s AND step = %s"""


def lock(tx: Connection, call: Call) -> Row | None:
    """Makes the step's row when it is not there and locks it until the transaction ends; `None` is a new one.

    The insert waits for another transaction's row of the same key; the select then sees what that one committed.
    """
    key = (call.saga, call.step)
    while tx.execute(_INSERT, key).rowcount == 0:
        found = tx.execute(_SELECT, key).fetchone()
        if found is None:
            continue  # Purged between the two statements, which its retention is there to prevent: begin anew.
        epoch, action, action_status, action_body, undone_status, undone_body = found
        if action is None:
            return None  # Committed by somebody who did not let the barrier finish: nothing is known to be applied.
        return Row(epoch, action, _reply(action_status, action_body), _reply(undone_status, undone_body))
    return None


def save(tx: Connection, call: Call, row: Row) -> None:
    """Writes the row that was locked."""
    replies = (*_columns(row.action_reply), *_columns(row.undone_reply))
    tx.execute(_UPDATE, (row.epoch, row.action, *replies, call.saga, call.step))


def _reply(status: int | None, body: str | None) -> Reply | None:
    return None if status is None else Reply(status, body or "")


def _columns(reply: Reply | None) -> tuple[int | None, str | None]:
    return (None, None) if reply is None else (reply.status, reply.body)
