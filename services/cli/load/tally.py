"""What came of a load test: how often each action was answered and how, and how long that took."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]  # ships no stubs

from services.cli.answers import NEVER_DECIDED, Answer
from services.cli.load.wishes import Action
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
SHED = frozenset({"RATE_LIMITED", "OVERLOADED"})
"""Reasons of a door that did not ask anybody: nothing happened."""


class Outcomes:
    """Of one action. Seconds are counted from the moment at which it was meant to be asked."""

    def __init__(self) -> None:
        self.offered = 0
        self.granted = 0
        self.refused = 0
        self.unknown = 0
        self.seconds: list[float] = []

    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        counts = {name: getattr(self, name) for name in ("offered", "granted", "refused", "unknown")}
        return {**counts, "latency_ms": percentiles_ms(self.seconds)}


class Tally:
    """Of all actions. `not_sent` is what was meant to be asked while too much was on its way already."""

    def __init__(self) -> None:
        self.actions = {action: Outcomes() for action in Action}
        self.reasons: Counter[str] = Counter()
        self.not_sent = 0
        self.lags: list[float] = []
        self.given_back = 0
        self.fees_krw = 0
        self.left: list[str] = []

    def granted(self, action: Action, seconds: float) -> None:
        """Count a yes."""
        outcomes = self.actions[action]
        outcomes.granted += 1
        outcomes.seconds.append(seconds)

    def failed(self, action: Action, seconds: float, error: grpc.RpcError) -> bool:
        """Count a no, or that nobody knows; True if it is a definite no."""
        reasons, definite = reasons_of(error)
        outcomes = self.actions[action]
        outcomes.seconds.append(seconds)
        self.reasons.update(reasons)
        if definite:
            outcomes.refused += 1
        else:
            outcomes.unknown += 1
        return definite

    @property
    def all_seconds(self) -> list[float]:
        """Of every answer."""
        return [seconds for outcomes in self.actions.values() for seconds in outcomes.seconds]

    def sum_of(self, name: str) -> int:
        """Of every action: `offered`, `granted`, `refused` or `unknown`."""
        return sum(getattr(outcomes, name) for outcomes in self.actions.values())

    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "offered": self.sum_of("offered"),
            "granted": self.sum_of("granted"),
            "refused": self.sum_of("refused"),
            "unknown": self.sum_of("unknown"),
            "not_sent": self.not_sent,
            "latency_ms": percentiles_ms(self.all_seconds),
            "sent_late_ms": percentiles_ms(self.lags),
            "actions": {action: outcomes.document() for action, outcomes in self.actions.items()},
            "reasons": dict(self.reasons.most_common()),
            "given_back": self.given_back,
            "fees_krw": self.fees_krw,
            "left": self.left,
        }


def reasons_of(error: grpc.RpcError) -> tuple[list[str], bool]:
    """Why not, and whether that is definite."""
    answer = Answer(error)
    refusal, info = answer.detail(api.Refusal), answer.detail(ErrorInfo)
    if refusal is not None and refusal.violations:
        return list(dict.fromkeys(violation.reason for violation in refusal.violations)), True
    reason = info.reason if info is not None and info.reason else answer.code.name
    return [reason], answer.code in NEVER_DECIDED or reason in SHED


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Some percentiles of durations in seconds, and the longest, in milliseconds; nothing of nothing."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in PERCENTILES.items()}
    return {name: round(value * 1000, 1) for name, value in {**found, "max": ordered[-1]}.items()}
