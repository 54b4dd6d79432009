"""Which call a request is. ../protocol/call-headers.json and bodies.json have what is taken and what is refused."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .decide import Phase
from .problem import RefusedRequest

LONGEST_BODY = 1024 * 1024
DEEPEST_BODY = 64

# Nothing that needs quoting in a URL, a header or a log is let in. int() alone would take "1_0", "+1" and " 1 ".
_NAME = re.compile(r"[A-Za-z0-9_.~:@-]{1,200}")
_COUNT = re.compile(r"[0-9]{1,15}")
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """Which call it is, as its headers say."""

    saga: str
    step: str
    phase: Phase
    epoch: int  # grows with every coordinator that takes the saga over; a lower one has been replaced
    attempt: int = 1
    key: str = ""  # equal on every attempt; hand it on to whomever you call
    deadline_ms: int | None = None  # what the caller leaves; None when it does not say


Header = Callable[[str], str | None]


def read_call(header: Header) -> Call:
    """Reads the headers; `header` gives one by its name, values that were sent apart joined with commas."""
    phase = header("Makegood-Phase")
    if phase not in ("action", "compensation", "status"):
        raise _bad("Makegood-Phase", "action, compensation or status", phase)
    saga = _read_name(header, "Makegood-Saga")
    step = _read_name(header, "Makegood-Step")
    key = header("Idempotency-Key")
    wanted = f"{saga}/{step}/{'compensation' if phase == 'compensation' else 'action'}"
    if key != wanted:
        raise _bad("Idempotency-Key", wanted, key)
    return Call(
        saga=saga,
        step=step,
        phase=phase,
        epoch=_read_count(header, "Makegood-Epoch", 0),
        attempt=_read_count(header, "Makegood-Attempt", 1),
        key=key,
        deadline_ms=None if header("Makegood-Deadline") is None else _read_count(header, "Makegood-Deadline", 0),
    )


def _bad(name: str, wanted: str, got: str | None) -> RefusedRequest:
    shown = "none" if got is None else repr(got[:80])
    return RefusedRequest(400, "bad-header", f"expected {name} to be {wanted}, got {shown}")


def _read_name(header: Header, name: str) -> str:
    text = header(name) or ""
    if _NAME.fullmatch(text) and text not in (".", ".."):
        return text
    raise _bad(name, "1 to 200 of A-Z a-z 0-9 _ . ~ : @ -", header(name))


def _read_count(header: Header, name: str, least: int) -> int:
    text = header(name) or ""
    if _COUNT.fullmatch(text) and int(text) >= least:
        return int(text)
    raise _bad(name, f"an integer of at least {least}", header(name))


def check_type(content_type: str | None) -> None:
    """Refuses a body that is not JSON by its type."""
    if not _JSON_TYPE.fullmatch(content_type or ""):
        raise RefusedRequest(415, "not-json", f"expected a body of application/json, got {content_type!r:.80}")


def read_json(body: bytes) -> Any:
    """Reads a body of JSON in UTF-8. The depth is looked at first: a parser that recurses must not be led deeper."""
    try:
        text = body.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise RefusedRequest(400, "unreadable", "the body is not UTF-8") from None
    if _depth_of(text) > DEEPEST_BODY:
        raise RefusedRequest(422, "too-deep", f"the body is nested deeper than {DEEPEST_BODY}")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise RefusedRequest(400, "unreadable", "the body is not JSON") from None


def _no_constant(name: str) -> None:
    """Python's parser takes NaN and Infinity, which JSON (RFC 8259) does not have."""
    raise ValueError(name)


# A string, or a bracket outside of one.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)|[\[{\]}]', re.DOTALL)


def _depth_of(text: str) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


def read_given(phase: Phase, body: Any) -> tuple[Any, Any]:
    """Input and output: an action's body is its input, a compensation's and a probe's is `{ input, output? }`."""
    if phase == "action":
        return body, None
    if not isinstance(body, dict):
        raise RefusedRequest(422, "invalid", f"expected the body of a {phase} to be a JSON object")
    return body.get("input"), body.get("output")
