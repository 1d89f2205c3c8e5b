"""The answers of the centre: every yes of the last day, so that the same request gets the same one again."""

from collections import deque

from services.allocation.tables.answer import Answer, Key

KEPT_SECONDS = 25 * 3600
"""How long a request id is remembered: the promise is 24 hours."""


class Answers:
    """The answers by request, and in the order in which they were given."""

    def __init__(self) -> None:
        self.by_request: dict[Key, Answer] = {}
        self._in_order: deque[tuple[int, Key]] = deque()

    def remember(self, actor: str, request_id: str, answer: Answer) -> None:
        """Keep the yes to a request."""
        key = (actor, request_id)
        self.by_request[key] = answer
        self._in_order.append((answer.time, key))

    def let_go(self, now: int) -> None:
        """Let go of what need not be remembered any more."""
        while self._in_order and self._in_order[0][0] + KEPT_SECONDS < now:
            time, key = self._in_order.popleft()
            answer = self.by_request.get(key)
            if answer is not None and answer.time == time:
                del self.by_request[key]
