"""A RabbitMQ queue keeps the promises of a place for dead letters, and some of its own."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gavel.userstats.adapters.rabbitmq.dead_letters import REASON_CHARACTERS_MAX, RabbitMqDeadLetters
from gavel.userstats.ports import DeadLetter, Unavailable
from tests.servers.rabbitmq_broker import Broker, until
from tests.suites.dead_letters_suite import DeadLettersSuite

pytestmark = pytest.mark.integration


@pytest.fixture
async def dead_letters(broker: Broker) -> AsyncGenerator[RabbitMqDeadLetters]:
    letters = RabbitMqDeadLetters(broker.url, broker.queue)
    yield letters
    await letters.close()


class TestRabbitMqDeadLetters(DeadLettersSuite):
    """The suite on a real broker."""


async def everything(_: bytes) -> bool:
    return True


async def test_a_letter_put_twice_is_shown_replayed_and_dropped_as_one(dead_letters: RabbitMqDeadLetters) -> None:
    await dead_letters.put([DeadLetter(b"same", "first"), DeadLetter(b"other", "other")])
    await dead_letters.put([DeadLetter(b"same", "second"), DeadLetter(b"same", "third")])
    kept = await dead_letters.list(10)
    assert [(letter.body, letter.reason) for letter in kept] == [(b"same", "first"), (b"other", "other")]
    assert await dead_letters.replay(everything, [kept[0].letter_id], 10) == 1
    assert [letter.body for letter in await dead_letters.list(10)] == [b"other"]


async def test_a_letter_has_the_time_it_died_at(dead_letters: RabbitMqDeadLetters) -> None:
    before = datetime.now(UTC)
    await dead_letters.put([DeadLetter(b"dead", "why")])
    [letter] = await dead_letters.list(10)
    assert before <= letter.died_at <= datetime.now(UTC)


async def test_looking_often_never_loses_a_letter(dead_letters: RabbitMqDeadLetters) -> None:
    await dead_letters.put([DeadLetter(b"one", "why"), DeadLetter(b"two", "why")])
    for _ in range(25):
        assert [letter.body for letter in await dead_letters.list(10)] == [b"one", b"two"]


async def test_a_reason_of_any_length_and_any_characters_is_kept(dead_letters: RabbitMqDeadLetters) -> None:
    reason = "a surrogate \ud800, a NUL \0, and \u20ac" + "x" * 200_000
    await dead_letters.put([DeadLetter(b"dead", reason)])
    [letter] = await dead_letters.list(10)
    assert letter.reason.startswith("a surrogate \\ud800, a NUL \0, and \u20acxxx")
    assert len(letter.reason) >= REASON_CHARACTERS_MAX


async def test_what_the_broker_gives_up_is_kept_with_the_brokers_reason_and_time(
    broker: Broker, dead_letters: RabbitMqDeadLetters
) -> None:
    await broker.publish(b"rejected")
    before = datetime.now(UTC) - timedelta(seconds=2)
    await broker.reject_one()
    await until(lambda: _has_letters(dead_letters))
    [letter] = await dead_letters.list(10)
    assert letter.body == b"rejected"
    assert letter.reason == "given up by the broker (rejected)"
    assert before <= letter.died_at <= datetime.now(UTC)


async def test_a_message_that_was_delivered_too_often_is_a_dead_letter(
    broker: Broker,
) -> None:
    strict = Broker(broker.url, replace(broker.queue, deliveries_max=20))
    await strict.publish(b"kills its consumer", b"another")
    assert await strict.deliver_again_and_again(b"kills its consumer") in (20, 21)
    dead_letters = RabbitMqDeadLetters(strict.url, strict.queue)
    await until(lambda: _has_letters(dead_letters))
    assert [(letter.body, letter.reason) for letter in await dead_letters.list(10)] == [
        (b"kills its consumer", "given up by the broker (delivery_limit)")
    ]
    assert await broker.bodies() == [b"another"]


async def _has_letters(dead_letters: RabbitMqDeadLetters) -> bool:
    return len(await dead_letters.list(1)) > 0


async def test_a_dead_letter_of_unknown_origin_is_listed_unchanged(
    broker: Broker, dead_letters: RabbitMqDeadLetters
) -> None:
    await broker.put_dead(b"stranger", {"reason": 42, "died_at": "yesterday", "x-death": "never"})
    [letter] = await dead_letters.list(10)
    assert letter.body == b"stranger"
    assert letter.reason == "given up by the broker (it does not say why)"
    assert await dead_letters.drop([letter.letter_id], 10) == 1


async def test_a_replay_that_fails_keeps_what_it_did_not_let_go_of(dead_letters: RabbitMqDeadLetters) -> None:
    await dead_letters.put([DeadLetter(b"one", "why"), DeadLetter(b"two", "why"), DeadLetter(b"three", "why")])

    async def deliver(body: bytes) -> bool:
        if body == b"two":
            raise Unavailable("stats_db gives no answer")
        return True

    with pytest.raises(Unavailable, match="stats_db"):
        await dead_letters.replay(deliver, None, 10)
    assert [letter.body for letter in await dead_letters.list(10)] == [b"two", b"three"]


@pytest.mark.fault
async def test_a_deleted_dead_letter_queue_is_declared_again(broker: Broker, dead_letters: RabbitMqDeadLetters) -> None:
    await dead_letters.put([DeadLetter(b"lost with its queue", "why")])
    await broker.delete_dead_letters()
    with pytest.raises(Unavailable):
        await dead_letters.put([DeadLetter(b"dead", "why")])
    await dead_letters.put([DeadLetter(b"dead", "why")])
    assert [letter.body for letter in await dead_letters.list(10)] == [b"dead"]


@pytest.mark.fault
async def test_a_broker_that_is_away_is_unavailable() -> None:
    letters = RabbitMqDeadLetters("amqp://guest:guest@127.0.0.1:1/")
    for ask in (letters.put([DeadLetter(b"dead", "why")]), letters.list(1), letters.drop(None, 1)):
        with pytest.raises(Unavailable, match="RabbitMQ"):
            await ask
