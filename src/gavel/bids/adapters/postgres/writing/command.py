"""Command: one caller's decision on one auction, from its submission to its outcome."""

import structlog

from gavel.bids.domain.decision import Answer, Decide, RetryKey
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import Answered, Call

_log = structlog.get_logger(__name__)


class Command:
    """Submitted of a lane. It is settled once it was answered or withdrawn: then nothing waits for it."""

    __slots__ = ("_answered", "call", "decide", "item_id", "key", "taken")

    def __init__(self, item_id: ItemId, decide: Decide, answered: Answered, call: Call, key: RetryKey | None) -> None:
        self.item_id = item_id
        self.decide = decide
        self.call = call
        self.key = key
        # Set by the lane while the command is in a batch.
        self.taken = False
        self._answered: Answered | None = answered

    @property
    def settled(self) -> bool:
        """Whether it was answered or withdrawn."""
        return self._answered is None

    def withdraw(self) -> bool:
        """See Submitted.withdraw."""
        if self.taken or self._answered is None:
            return False
        self._answered = None
        return True

    def answer(self, outcome: Answer | Exception) -> None:
        """Call back with the outcome, unless the command is settled. An error of the callback is logged."""
        answered, self._answered = self._answered, None
        if answered is None:
            return
        try:
            answered(outcome)
        except Exception:  # noqa: BLE001 - one caller's bug must not become the error of the others in its batch
            _log.exception("command_callback_failed")
