"""The cases: first by what they are measured on, in the order of a round, then in the order of the report."""

from gavel_tools.bench.case import Case, OwnServersCase, ProcessesCase, ServerCase
from gavel_tools.bench.cases.auth import AUTH
from gavel_tools.bench.cases.backlog import BACKLOG, LONG_BACKLOG
from gavel_tools.bench.cases.decision import DECISION
from gavel_tools.bench.cases.delays import DELAYS
from gavel_tools.bench.cases.held_snapshot import HELD_SNAPSHOT
from gavel_tools.bench.cases.hostile import HOSTILE
from gavel_tools.bench.cases.http_ceiling import HTTP_CEILING
from gavel_tools.bench.cases.idle import IDLE
from gavel_tools.bench.cases.many_items import MANY_ITEMS
from gavel_tools.bench.cases.mixed import MIXED
from gavel_tools.bench.cases.one_item import ONE_ITEM
from gavel_tools.bench.cases.overload import OVERLOAD
from gavel_tools.bench.cases.pipeline import PIPELINE
from gavel_tools.bench.cases.tracing import TRACING
from gavel_tools.bench.cases.watchers import WATCHERS

# On the bare HTTP server, a standalone server, and the naive one.
SERVER_CASES: tuple[ServerCase, ...] = (IDLE, DECISION, HTTP_CEILING, ONE_ITEM, MANY_ITEMS, HELD_SNAPSHOT)
# On the four processes, with RabbitMQ and Redis.
PROCESSES_CASES: tuple[ProcessesCase, ...] = (PIPELINE, MIXED, DELAYS, WATCHERS, BACKLOG, LONG_BACKLOG)
# On servers that they start themselves.
OWN_SERVERS_CASES: tuple[OwnServersCase, ...] = (OVERLOAD, HOSTILE, AUTH, TRACING)

# Those with a share come first.
CASES: tuple[Case, ...] = (
    HTTP_CEILING,
    ONE_ITEM,
    MANY_ITEMS,
    PIPELINE,
    MIXED,
    IDLE,
    DECISION,
    HELD_SNAPSHOT,
    DELAYS,
    WATCHERS,
    BACKLOG,
    LONG_BACKLOG,
    OVERLOAD,
    HOSTILE,
    AUTH,
    TRACING,
)
