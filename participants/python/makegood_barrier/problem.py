"""Problem documents (RFC 9457) with a stable code."""

import json

from .decide import Reply


def problem(status: int, code: str, message: str) -> Reply:
    """A refusal that a program can tell by its code, and a person by its message."""
    said = {"type": "about:blank", "status": status, "title": message, "code": code, "message": message}
    return Reply(status, json.dumps(said, ensure_ascii=False))


class RefusedRequest(Exception):
    """A request that is answered before anything was done."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = problem(status, code, message)
