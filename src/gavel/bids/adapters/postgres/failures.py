"""Classify failures of Postgres by what they mean for the commands that they hit."""

import asyncpg

from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres.connections import DATABASE_ERRORS, connection_was_lost, sqlstate_of

# SQLSTATE classes caused by the data to be stored: data exception, integrity violation, a guard's RAISE.
_INTEGRITY_CLASS = "23"
_CONTENT_CLASSES = ("22", _INTEGRITY_CLASS, "P0")
# Serialization failure and deadlock: the server chose a victim, and a retry of the same commands may succeed.
_CHANCE_CLASS = "40"


class NotCommitted(Exception):
    """The batch failed before COMMIT was sent: nothing of it happened. `__cause__` has the reason.

    `decided` is False if not even the locks were held: no command was decided.
    """

    def __init__(self, *, decided: bool) -> None:
        super().__init__("the batch was rolled back")
        self.decided = decided

    @property
    def worth_another_try(self) -> bool:
        """Whether to retry the same batch at once: its connection was stale, or it was the victim of a deadlock."""
        cause = self.__cause__
        return sqlstate_of(cause).startswith(_CHANCE_CLASS) or (not self.decided and connection_was_lost(cause))


class FateUnknown(Exception):
    """COMMIT was sent but not confirmed: the batch may have happened. It must not be run again."""


class NotStorable(Exception):
    """The database rejected what was decided, which is a bug. Names the violated rule, and none of the values.

    The driver's own error quotes the values, reserves and maxima too, and must not reach a log.
    """


def blames_content(error: BaseException | None) -> bool:
    """Whether the commands' own content made the batch fail, so that a retry of the same batch can't help.

    An exception that is not the database's is a bug in handling some command, and counts too.
    """
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate_of(error).startswith(_CONTENT_CLASSES)
    return isinstance(error, Exception) and not isinstance(error, DATABASE_ERRORS)


def to_caller_error(error: BaseException, otherwise: str) -> Exception:
    """Map a failure to the caller's error: Unavailable, or a bug as it is, but never in words that quote values."""
    if not blames_content(error) or not isinstance(error, Exception):
        return Unavailable(otherwise)
    if not isinstance(error, asyncpg.PostgresError):
        return error
    # Texts of integrity violations name tables and constraints. Those of other classes may quote bound values.
    text = str(error.args[0]) if sqlstate_of(error).startswith(_INTEGRITY_CLASS) else type(error).__name__
    return NotStorable(f"{text} (SQLSTATE {sqlstate_of(error)})")
