"""The barrier on a real PostgreSQL, named by DATABASE_URL; without one these tests are skipped."""

import contextlib
import os
import unittest
from collections.abc import Callable
from typing import Any

import psycopg

from makegood_barrier import SCHEMA, Call, Refusal, Reply, guard
from makegood_barrier.guard import LONGEST_OUTPUT

URL = os.environ.get("DATABASE_URL")


@unittest.skipIf(URL is None, "DATABASE_URL is not set")
class GuardTest(unittest.TestCase):
    def setUp(self) -> None:
        self.connection = psycopg.connect(URL, autocommit=True)
        self.addCleanup(self.connection.close)
        self.connection.execute(SCHEMA + "CREATE TABLE IF NOT EXISTS effects (saga text)")
        self.connection.execute("TRUNCATE makegood_barrier, effects")

    def guarded(self, call: Call, business: Callable[[], Any]) -> Reply:
        with self.connection.transaction():
            return guard(self.connection, call, business)

    def effect(self) -> None:
        self.connection.execute("INSERT INTO effects VALUES ('a')")

    def effects(self) -> int:
        return self.connection.execute("SELECT count(*) FROM effects").fetchone()[0]

    def test_an_error_rolls_back_row_and_effect_and_the_next_attempt_runs(self) -> None:
        call = Call("a", "s", "action", 1)

        def broken() -> None:
            self.effect()
            raise OSError("the disk is full")

        with self.assertRaises(OSError):
            self.guarded(call, broken)
        self.assertEqual(self.effects(), 0)
        self.assertEqual(self.guarded(call, lambda: self.effect() or {"é": 1}), Reply(200, '{"é":1}'))
        self.assertEqual(self.effects(), 1)

    def test_a_refusal_is_kept_and_what_was_written_before_it_is_not(self) -> None:
        call, calls = Call("b", "s", "action", 1), []

        def refuse() -> None:
            calls.append(1)
            self.effect()
            raise Refusal("SOLD_OUT", "none left")

        first = self.guarded(call, refuse)
        self.assertEqual(self.guarded(call, refuse), first)
        self.assertEqual((first.status, len(calls), self.effects()), (409, 1, 0))

    def test_a_statement_that_failed_commits_nothing_even_if_the_business_swallows_it(self) -> None:
        self.guarded(Call("c", "s", "action", 1), lambda: None)

        def careless() -> None:
            self.effect()
            with contextlib.suppress(psycopg.errors.DivisionByZero):
                self.connection.execute("SELECT 1/0")

        with self.assertRaises(psycopg.errors.InFailedSqlTransaction):
            self.guarded(Call("c", "s", "compensation", 1), careless)
        self.assertEqual(self.effects(), 0)

    def test_an_output_that_cannot_be_kept_fails_the_call(self) -> None:
        for output in ("x" * LONGEST_OUTPUT, float("nan"), object()):
            with self.assertRaises((ValueError, TypeError)):
                self.guarded(Call("d", "s", "action", 1), lambda output=output: output)


if __name__ == "__main__":
    unittest.main()
