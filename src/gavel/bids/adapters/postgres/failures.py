"""What a failure of Postgres means for the commands that it hit."""

import asyncpg

from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres.connections import DATABASE_ERRORS, connection_was_lost, sqlstate_of

# SQLSTATE classes that blame what was to be stored: data exception, integrity violation, a guard's RAISE.
_INTEGRITY_CLASS = "23"
_CONTENT_CLASSES = ("22", _INTEGRITY_CLASS, "P0")
# Serialization failure and deadlock: the server chose a victim, and the same commands may well succeed.
_CHANCE_CLASS = "40"


class NotCommitted(Exception):
    """The batch failed before COMMIT was sent: nothing of it happened. The cause tells why.

    `decided` is False where the locks were not even held: no command was decided.
    """

    def __init__(self, *, decided: bool) -> None:
        super().__init__("the batch was rolled back")
        self.decided = decided

    @property
    def worth_another_try(self) -> bool:
        """Whether the same batch may succeed at once: its connection was stale, or it was the victim of a deadlock."""
        cause = self.__cause__
        return sqlstate_of(cause).startswith(_CHANCE_CLASS) or (not self.decided and connection_was_lost(cause))


class FateUnknown(Exception):
    """COMMIT was sent and was not answered by COMMIT: the batch may have happened. It must not be run again."""


class NotStorable(Exception):
    """The database refuses to store what was decided: a bug. Names the rule that refused, and none of the values.

    The driver's own error quotes them, reserves and maxima too, and must not reach a log.
    """


def blames_content(error: BaseException | None) -> bool:
    """Whether the commands' own content made the batch fail, so that trying again as it is can't help.

    An exception that is not the database's is a bug in handling some command, and counts as such.
    """
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate_of(error).startswith(_CONTENT_CLASSES)
    return isinstance(error, Exception) and not isinstance(error, DATABASE_ERRORS)


def to_caller_error(error: BaseException, otherwise: str) -> Exception:
    """What a caller is told: a bug as what it is, but never in words that quote values, or else Unavailable."""
    if not blames_content(error) or not isinstance(error, Exception):
        return Unavailable(otherwise)
    if not isinstance(error, asyncpg.PostgresError):
        return error
    # The texts of integrity violations name tables and constraints; those of other classes may quote what was bound.
    text = str(error.args[0]) if sqlstate_of(error).startswith(_INTEGRITY_CLASS) else type(error).__name__
    return NotStorable(f"{text} (SQLSTATE {sqlstate_of(error)})")
