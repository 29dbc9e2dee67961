"""Due auctions: the port for finding auctions whose end has passed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gavel.bids.domain.auction import ItemId


@dataclass(frozen=True, slots=True)
class Due:
    """Auctions to close, the longest overdue first, and the time until the next end; None if there is none."""

    item_ids: tuple[ItemId, ...]
    next_end_seconds: float | None


class DueAuctions(Protocol):
    """Auctions that are due to be closed, by the database's clock."""

    async def due(self, limit: int, but: Collection[ItemId]) -> Due:
        """Up to `limit` auctions, other than those in `but`, whose end has passed and that are not closed or cancelled.

        A hint: the close itself decides under the lock whether it is still due. Raises Unavailable.
        """
        ...
