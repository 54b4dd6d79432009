"""The HTTP side of a service that sagas call, on Python's own threading server."""

import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from psycopg_pool import ConnectionPool

from .call import LONGEST_BODY, check_type, read_call, read_given, read_json
from .decide import Reply
from .participant import Order, Participant, Step
from .problem import RefusedRequest, problem

log = logging.getLogger(__name__)

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
        refusal = problem(405, "method", f"expected POST, got {self.command}")
        self._send(refusal, {"Allow": "POST", "Connection": "close"})

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
