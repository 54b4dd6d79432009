"""The HTTP side of a service that sagas call, on Python's own threading server."""

import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from psycopg import Connection, errors
from psycopg_pool import ConnectionPool, PoolTimeout

from .call import LONGEST_BODY, Call, check_type, read_call, read_given, read_json
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

    Raise a `Refusal` in `do` to say no for certain; anything else that is raised leaves the effect unknown to the caller.
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


Route = Callable[[Mapping[str, str]], Any]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "makegood-participant"
    timeout = 60  # an idle connection, or one whose caller has stopped in the middle
    disable_nagle_algorithm = True  # an answer must not wait for the acknowledgement of its own head
    participant: Participant
    routes: Mapping[str, Route]

    def do_POST(self) -> None:
        arrived = time.monotonic()
        with self.server.at_work:
            try:
                order, step = self._read()
            except RefusedRequest as refused:
                extra = {"Makegood-Effect": "none"} | ({"Allow": "POST"} if refused.reply.status == 405 else {})
                # A body that was not read would be taken for the next request.
                self.close_connection = True
                self._send(refused.reply, extra | {"Connection": "close"})
                return
            self._send(*self.participant.answer(order, step, arrived))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        route = self.routes.get(url.path)
        if route is None:
            self._send(problem(405, "method", f"expected POST, got {self.command}"), {"Allow": "POST"})
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self._send(Reply(200, json.dumps(route(query))), {})

    def _not_served(self) -> None:
        self.close_connection = True
        self._send(problem(405, "method", f"expected POST, got {self.command}"), {"Allow": "POST", "Connection": "close"})

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_served

    def _read(self) -> tuple[Order, Step]:
        call = read_call(self._header)
        step = self.participant.step_of(self.path, call)
        if call.deadline_ms == 0:
            raise RefusedRequest(503, "deadline", "the caller's time was up on arrival")
        check_type(self._header("Content-Type"))
        given = read_given(call.phase, read_json(self._body()))
        return Order(call, *given), step

    def _header(self, name: str) -> str | None:
        values = self.headers.get_all(name)
        return None if values is None else ", ".join(values)

    def _body(self) -> bytes:
        length = self._header("Content-Length")
        if length is None or not length.isdecimal() or not length.isascii():
            raise RefusedRequest(411, "length-required", "expected a Content-Length")
        if int(length) > LONGEST_BODY:
            raise RefusedRequest(413, "too-large", f"the body is longer than {LONGEST_BODY} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise RefusedRequest(400, "unreadable", "the body broke off")
        return body

    def _send(self, reply: Reply, extra: Mapping[str, str]) -> None:
        body = reply.body.encode()
        self.send_response(reply.status)
        if body:
            kind = "application/problem+json" if reply.status >= 400 else "application/json"
            self.send_header("Content-Type", kind)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in extra.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + body)  # head and body in one write
        self.flush_headers()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _AtWork:
    """How many calls are under way."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # idle connections do not hold the end up; calls at work are waited for
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self.at_work = _AtWork()
        # Bound by `serve`, once it can be asked to end.
        super().__init__(address, handler, bind_and_activate=False)


def serve(participant: Participant, address: tuple[str, int], routes: Mapping[str, Route] | None = None) -> None:
    """Serves until SIGTERM or SIGINT; then finishes what is under way, for 10 seconds at most."""
    handler = type("Handler", (_Handler,), {"participant": participant, "routes": routes or {}})
    server = _Server(address, handler)
    for name in (signal.SIGTERM, signal.SIGINT):
        # Not from this thread: shutdown waits for the loop that the signal has interrupted.
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    server.server_bind()
    server.server_activate()
    log.info("listens on %s:%d", *address)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    server.at_work.wait(10)


def effects_view(pool: ConnectionPool, count: str) -> Route:
    """A route that counts effects, for the conformance kit; `count` selects two numbers by saga and step."""

    def view(query: Mapping[str, str]) -> dict[str, int]:
        with pool.connection() as connection:
            applied, undone = connection.execute(count, (query.get("saga"), query.get("step"))).fetchone()
        return {"applied": applied, "undone": undone}

    return view
