"""Carries out the calls of a coordinator, each in one transaction with its row."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from psycopg import Connection, errors
from psycopg_pool import ConnectionPool, PoolTimeout

from .call import Call
from .decide import Reply
from .guard import guard
from .problem import RefusedRequest, problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """One of a saga to this service: do, or undo, this. `output` is `None` when nobody knows whether it took effect."""

    call: Call
    input: Any
    output: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be done and undone. Both write with `tx` only, and return the output, `None` for none.

    Raise a `Refusal` in `do` to say no for certain; anything else that is raised leaves the effect unknown to the
    caller.
    """

    do: Callable[[Connection, Order], Any]
    undo: Callable[[Connection, Order], Any] = lambda tx, order: None


class Late(Exception):
    """The caller's time is up: too late is worse than not at all, for it may be undoing this already."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Answers the calls of a coordinator. `steps` by the last part of the path, or else by the step's name."""

    pool: ConnectionPool
    steps: Mapping[str, Step]
    lock_timeout_ms: int = 2000  # how long a call waits for another of the same step before it is told to come again

    def step_of(self, path: str, call: Call) -> Step:
        step = self.steps.get(urlsplit(path).path.rsplit("/", 1)[-1]) or self.steps.get(call.step)
        if step is None:
            raise RefusedRequest(404, "no-such-action", f'there is no action for step "{call.step}" here')
        return step

    def answer(self, order: Order, step: Step, arrived: float) -> tuple[Reply, dict[str, str]]:
        """Commits the business and its row together, or neither; and says in words of HTTP how it went."""
        left_ms = order.call.deadline_ms
        due = None if left_ms is None else arrived + left_ms / 1000
        try:
            return self._transaction(order, step, due), {}
        except errors.LockNotAvailable:
            later = {"Retry-After": "1"}
            if order.call.phase == "status":
                return Reply(202), later
            return problem(425, "in-progress", "another copy of this call is at work"), later
        except (Late, PoolTimeout, errors.QueryCanceled):
            return problem(503, "deadline", "the caller's time was up"), {}
        except Exception:
            # What went wrong inside is not the caller's business and may hold secrets; the effect is unknown to it.
            log.exception("%s/%s %s", order.call.saga, order.call.step, order.call.phase)
            return problem(500, "internal", "the participant failed; the same call may be made again"), {}

    def _transaction(self, order: Order, step: Step, due: float | None) -> Reply:
        with self.pool.connection(timeout=_left(due, 30)) as tx, tx.transaction():
            left_ms = max(1, int(1000 * _left(due, 3600)))
            tx.execute(f"SET LOCAL lock_timeout = {min(left_ms, self.lock_timeout_ms)}")
            tx.execute(f"SET LOCAL statement_timeout = {left_ms}")
            do = step.do if order.call.phase == "action" else step.undo
            reply = guard(tx, order.call, lambda: do(tx, order))
            _left(due, 0)
            return reply


def _left(due: float | None, otherwise: float) -> float:
    """Seconds until then; raises when there are none."""
    if due is None:
        return otherwise
    left = due - time.monotonic()
    if left <= 0:
        raise Late
    return left
