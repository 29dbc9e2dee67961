"""Dead letters in a queue of the broker, beside what the broker itself gave up on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import structlog
from aio_pika import DeliveryMode, IncomingMessage, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from gavel.runtime.rabbitmq import BrokerAway, BrokerLink, answered, passing_channel, publish_confirmed
from gavel.runtime.rabbitmq_topology import WorkQueue
from gavel.userstats.adapters.rabbitmq_event_source import STATS_EVENTS
from gavel.userstats.ports import DeadLetter, KeptLetter, Unavailable
