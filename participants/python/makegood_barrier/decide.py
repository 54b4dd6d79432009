"""What to do with a call, given what is known of its step. Pure; ../protocol/decide-barrier.json has every case."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["action", "compensation", "status"]
# `barred` is a tombstone: the action has not come, and must not take effect any more.
State = Literal["applied", "refused", "barred"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and what a duplicate is answered again. An empty body is none."""

    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a step; `epoch` is the highest that has called."""

    epoch: int
    action: State
    action_reply: Reply | None = None
    undone_reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one call. `reply` belongs to `replay`, `code` and `message` to `refuse`."""

    kind: Literal["run", "nothing-to-undo", "not-applied", "replay", "refuse"]
    reply: Reply | None = None
    code: str = ""
    message: str = ""


_FIRST = {"action": Verdict("run"), "compensation": Verdict("nothing-to-undo"), "status": Verdict("not-applied")}


def decide(row: Row | None, phase: Phase, epoch: int) -> Verdict:
    """Decides about one call; `row` is what stood in the step's row, locked by now, `None` for the first."""
    if row is None:
        return _FIRST[phase]
    if epoch < row.epoch:
        message = f"epoch {epoch} was replaced by epoch {row.epoch}; its call comes too late"
        return Verdict("refuse", code="stale-epoch", message=message)
    if phase == "action":
        if row.action_reply is not None:
            return Verdict("replay", reply=row.action_reply)
        return Verdict("refuse", code="aborted", message="the action was given up before it came; nothing was done")
    if phase == "compensation":
        if row.undone_reply is not None:
            return Verdict("replay", reply=row.undone_reply)
        # A refused action has a reply and no effect: undoing it would give back what was never taken.
        return Verdict("run") if row.action == "applied" else Verdict("nothing-to-undo")
    if row.action == "applied":
        return Verdict("replay", reply=_applied_reply(row.action_reply))
    return Verdict("not-applied")


def _applied_reply(reply: Reply | None) -> Reply:
    """What a status probe of an applied action is answered."""
    output = f',"output":{reply.body}' if reply is not None and reply.body else ""
    return Reply(200, '{"effect":"applied"' + output + "}")
