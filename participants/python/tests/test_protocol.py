"""The cases that every language decides alike."""

import json
import unittest
from pathlib import Path
from typing import Any

from makegood_barrier.call import check_type, read_call, read_json
from makegood_barrier.decide import Reply, Row, decide
from makegood_barrier.problem import RefusedRequest

PROTOCOL = Path(__file__).parents[2] / "protocol"


def read_cases(name: str) -> list[dict[str, Any]]:
    cases = json.loads((PROTOCOL / name).read_text())
    assert len(cases) > 10, name
    return cases


def reply_of(said: dict[str, Any] | None) -> Reply | None:
    return None if said is None else Reply(**said)


def row_of(said: dict[str, Any] | None) -> Row | None:
    if said is None:
        return None
    return Row(said["epoch"], said["action"], reply_of(said["actionReply"]), reply_of(said["undoneReply"]))


class ProtocolTest(unittest.TestCase):
    def test_decides_as_the_protocol_says(self) -> None:
        for case in read_cases("decide-barrier.json"):
            with self.subTest(case):
                verdict = decide(row_of(case["row"]), case["phase"], case["epoch"])
                wanted = case["verdict"]
                self.assertEqual(
                    (verdict.kind, verdict.reply, verdict.code),
                    (wanted["kind"], reply_of(wanted.get("reply")), wanted.get("code", "")),
                )

    def test_reads_headers_as_the_protocol_says(self) -> None:
        for case in read_cases("call-headers.json"):
            with self.subTest(case):
                if "refused" in case:
                    with self.assertRaises(RefusedRequest) as caught:
                        read_call(case["headers"].get)
                    self.assertEqual(caught.exception.reply.status, case["refused"])
                else:
                    call, wanted = read_call(case["headers"].get), case["call"]
                    self.assertEqual(
                        (call.saga, call.step, call.phase, call.attempt, call.epoch, call.deadline_ms),
                        tuple(wanted[name] for name in ("saga", "step", "phase", "attempt", "epoch", "deadlineMs")),
                    )

    def test_reads_bodies_as_the_protocol_says(self) -> None:
        for case in read_cases("bodies.json"):
            with self.subTest(case):
                if case["refused"] is None:
                    self.assertEqual(self.read(case), json.loads(case["body"]))
                else:
                    with self.assertRaises(RefusedRequest) as caught:
                        self.read(case)
                    self.assertEqual(caught.exception.reply.status, case["refused"])

    @staticmethod
    def read(case: dict[str, Any]) -> Any:
        check_type(case["type"])
        return read_json(case["body"].encode())

    def test_a_body_that_is_not_utf8_is_refused(self) -> None:
        with self.assertRaises(RefusedRequest):
            read_json(b'"\xff"')


if __name__ == "__main__":
    unittest.main()
