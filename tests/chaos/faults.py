"""What can be done to a stack of processes and servers. Each fault ends with everything started again."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

from gavel.runtime.postgres.embedded import PostgresCluster
from gavel_tools.local_servers.server_process import LocalServerFailed
from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack, command_of

# How long something stays away; short, so that many faults fit into a run.
AWAY_SECONDS = (0.2, 2.0)

Fault = tuple[str, Callable[[], None]]


def faults(stack: Stack, chance: random.Random) -> Iterator[Fault]:
    """An endless series: each kind once in an order that the seed decides, then again in another."""

    def away() -> None:
        time.sleep(chance.uniform(*AWAY_SECONDS))

    def terminate(command: str) -> Fault:
        name = chance.choice([name for name in stack.processes if command_of(name) == command])
        return f"SIGTERM {name}", lambda: _terminate(stack, name)

    rabbitmq, redis = stack.rabbitmq, stack.redis
    servers: list[Fault] = [
        ("Postgres stopped in immediate mode", lambda: _crash_postgres(stack.postgres, away)),
        ("RabbitMQ killed", lambda: _restart(rabbitmq.kill, away, rabbitmq.start)),
        ("RabbitMQ restarted", lambda: _restart(rabbitmq.stop, away, rabbitmq.start)),
        ("RabbitMQ frozen", lambda: _restart(rabbitmq.freeze, away, rabbitmq.thaw)),
        ("Redis flushed", lambda: _flush(stack)),
        ("Redis stopped", lambda: _restart(redis.stop, away, redis.start)),
        ("Redis frozen", lambda: _restart(redis.freeze, away, redis.thaw)),
    ]
    while True:
        kinds = [kill(stack, name, away) for name in stack.processes]
        kinds += [terminate(command) for command in sorted({command_of(name) for name in stack.processes})]
        kinds += servers
        chance.shuffle(kinds)
        yield from kinds


def kill(stack: Stack, name: str, away: Callable[[], None]) -> Fault:
    """A process ended as by a power cut."""

    def harm() -> None:
        stack.processes[name].kill()
        away()
        stack.start_process(name)

    return f"kill -9 {name}", harm


def _terminate(stack: Stack, name: str) -> None:
    """Ask a process to end, which it does in time. Raises LocalServerFailed."""
    process = stack.processes[name]
    process.signal(signal.SIGTERM)
    if not process.wait_gone(STOP_SECONDS_MAX):
        late = f"gavel {name} did not end within {STOP_SECONDS_MAX:.0f} s of SIGTERM"
        raise LocalServerFailed(f"{late}: {process.last_words()}")
    stack.start_process(name)


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
