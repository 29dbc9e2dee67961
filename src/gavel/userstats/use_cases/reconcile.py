"""Reconciliation with the log: find events that were lost after they had been counted, and have them sent again.

An asynchronous replica that takes over lacks the last transactions, whose messages were acknowledged. The record of
what was checked is as old as the replica's totals, so the next check starts before the first event that it lacks.
"""

from gavel.userstats.ports import Completeness, EventLog, IncompleteSecond

# Of one pass: with 5,000 bids a second some 150,000 events, a few seconds' work of a counter.
RESEND_SECONDS_MAX = 30
# The pause doubles each time. Events that still lack then are dead letters, or older than the ids that are known.
REQUESTS_MAX = 5


async def reconcile(log: EventLog, completeness: Completeness) -> list[IncompleteSecond]:
    """Check the next seconds of the log, and ask for the events of incomplete ones; the seconds found incomplete again.

    Nothing is checked while messages wait, since the events may be among them. Raises Unavailable.
    """
    if await log.waiting():
        return []
    since = await completeness.start_check()
    if since is None:
        return []
    await completeness.note(await log.checkpoint(since))
    incomplete = list(await completeness.due(RESEND_SECONDS_MAX))
    wanted = [each.second for each in incomplete if each.requests < REQUESTS_MAX]
    if wanted:
        await log.resend(wanted)
    return incomplete
