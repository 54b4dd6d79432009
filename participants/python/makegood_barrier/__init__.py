"""Lets the actions and compensations that a coordinator of makegood calls take effect once and in the right order.

Each step of each saga has one row in the service's own PostgreSQL, written in the transaction in which the business
writes.
"""

from .call import Call
from .decide import Phase, Reply, Row, State, Verdict, decide
from .guard import Refusal, guard
from .participant import Order, Participant, Step
from .rows import SCHEMA
from .server import effects_view, serve

__all__ = [
    "SCHEMA",
    "Call",
    "Order",
    "Participant",
    "Phase",
    "Refusal",
    "Reply",
    "Row",
    "State",
    "Step",
    "Verdict",
    "decide",
    "effects_view",
    "guard",
    "serve",
]
