"""What can be done to a stack of processes and servers. Each fault ends with everything started again."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator

from gavel.local_servers.stack import Stack
from gavel.runtime.embedded_postgres import PostgresCluster

# How long something stays away; short, so that many faults fit into a run.
AWAY_SECONDS = (0.2, 2.0)

Fault = tuple[str, Callable[[], None]]


def faults(stack: Stack, chance: random.Random) -> Iterator[Fault]:
    """An endless series: each kind once in an order that the seed decides, then again in another."""

    def away() -> None:
        time.sleep(chance.uniform(*AWAY_SECONDS))

    def kill(name: str) -> Callable[[], None]:
        def harm() -> None:
            stack.processes[name].kill()
            away()
            stack.start_process(name)

        return harm

    kinds: list[Fault] = [(f"kill -9 {name}", kill(name)) for name in stack.processes]
    kinds += [
        ("Postgres stopped in immediate mode", lambda: _crash_postgres(stack.postgres, away)),
        ("RabbitMQ killed", lambda: _restart(stack.rabbitmq.kill, away, stack.rabbitmq.start)),
        ("RabbitMQ restarted", lambda: _restart(stack.rabbitmq.stop, away, stack.rabbitmq.start)),
        ("Redis flushed", lambda: _flush(stack)),
        ("Redis stopped", lambda: _restart(stack.redis.stop, away, stack.redis.start)),
    ]
    while True:
        chance.shuffle(kinds)
        yield from kinds


def _restart(stop: Callable[[], None], away: Callable[[], None], start: Callable[[], None]) -> None:
    stop()
    away()
    start()


def _crash_postgres(cluster: PostgresCluster, away: Callable[[], None]) -> None:
    cluster.crash()
    away()
    cluster.start()


def _flush(stack: Stack) -> None:
    port = str(stack.ports.redis)
    subprocess.run(["redis-cli", "-p", port, "FLUSHALL"], check=True, stdout=subprocess.DEVNULL, timeout=5)
