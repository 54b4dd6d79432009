"""Passes one call through the barrier."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from psycopg import Connection

from .call import Call
from .decide import Reply, Row, decide
from .problem import problem
from .rows import lock, save

# A reply is kept in a row for as long as the saga may come back; what is larger belongs into a table of its own.
LONGEST_OUTPUT = 1024 * 1024


class Refusal(Exception):
    """An action says no for certain: nothing was applied, and nothing will be. It is kept and answered again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def guard(tx: Connection, call: Call, business: Callable[[], Any]) -> Reply:
    """Lets a call take effect once, in the transaction in which the business writes.

    Commit after it returns, roll back when it raises. `business` does the work of the phase and returns the output,
    `None` for none; a `Refusal` of an action undoes its writes and is kept as a 409.
    """
    row = lock(tx, call)
    verdict = decide(row, call.phase, call.epoch)
    if verdict.kind == "refuse":
        return problem(409, verdict.code, verdict.message)
    kept = replace(row or Row(0, "barred"), epoch=call.epoch)
    match verdict.kind:
        case "replay":
            reply = verdict.reply
        case "not-applied":
            reply = Reply(200, '{"effect":"none"}')
        case "nothing-to-undo":
            reply = Reply(200, '{"undone":false}')
            kept = replace(kept, undone_reply=reply)
        case "run" if call.phase == "compensation":
            reply = _output_reply(business())
            kept = replace(kept, undone_reply=reply)
        case "run":
            state, reply = _act(tx, business)
            kept = replace(kept, action=state, action_reply=reply)
    save(tx, call, kept)
    return reply


def _act(tx: Connection, business: Callable[[], Any]) -> tuple[str, Reply]:
    try:
        # A savepoint: what an action wrote before it refused is undone, and the refusal is kept all the same.
        with tx.transaction():
            return "applied", _output_reply(business())
    except Refusal as refusal:
        return "refused", problem(409, refusal.code, refusal.message)


def _output_reply(output: Any) -> Reply:
    if output is None:
        return Reply(204)
    body = json.dumps(output, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if len(body.encode()) > LONGEST_OUTPUT:
        raise ValueError(f"expected the output to have at most {LONGEST_OUTPUT} bytes of JSON, got {len(body)}")
    return Reply(200, body)
