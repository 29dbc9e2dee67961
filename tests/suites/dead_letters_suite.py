"""What every place for dead letters promises. An implementation's test class inherits the suite and gives it one."""

from gavel.userstats.ports import DeadLetter, DeadLetters

LETTERS = [DeadLetter(b"\x00\xff", "garbage"), DeadLetter(b"two", "the amount is -5"), DeadLetter(b"three", "no id")]
ALL = 1_000


class _Deliveries:
    """What a replay delivers, and which bodies are good by now."""

    def __init__(self, *good: bytes) -> None:
        self.good = good
        self.seen: list[bytes] = []

    async def __call__(self, body: bytes) -> bool:
        self.seen.append(body)
        return body in self.good


class DeadLettersSuite:
    """The promises of the port."""

    async def test_letters_are_kept_with_their_bytes_and_reasons(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        kept = await dead_letters.list(ALL)
        assert {(letter.body, letter.reason) for letter in kept} == {(each.body, each.reason) for each in LETTERS}
        assert len({letter.letter_id for letter in kept}) == 3

    async def test_looking_changes_nothing_and_shows_no_more_than_asked_for(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        assert len(await dead_letters.list(2)) == 2
        assert len(await dead_letters.list(ALL)) == 3

    async def test_the_longest_kept_is_shown_first(self, dead_letters: DeadLetters) -> None:
        for letter in LETTERS:
            await dead_letters.put([letter])
        kept = await dead_letters.list(ALL)
        assert [letter.body for letter in kept] == [letter.body for letter in LETTERS]
        assert [letter.died_at for letter in kept] == sorted(letter.died_at for letter in kept)

    async def test_a_replay_lets_go_of_what_was_delivered_and_keeps_the_rest(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        deliver = _Deliveries(b"two")
        assert await dead_letters.replay(deliver, None, ALL) == 1
        assert sorted(deliver.seen) == sorted(letter.body for letter in LETTERS)
        assert {letter.body for letter in await dead_letters.list(ALL)} == {b"\x00\xff", b"three"}

    async def test_a_replay_of_named_letters_leaves_the_others_alone(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        [named] = [letter.letter_id for letter in await dead_letters.list(ALL) if letter.body == b"two"]
        deliver = _Deliveries(b"two", b"three")
        assert await dead_letters.replay(deliver, [named], ALL) == 1
        assert deliver.seen == [b"two"]
        assert len(await dead_letters.list(ALL)) == 2

    async def test_a_replay_is_bounded(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        deliver = _Deliveries()
        assert await dead_letters.replay(deliver, None, 2) == 0
        assert len(deliver.seen) == 2

    async def test_dropping_named_letters_keeps_the_others(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        [named] = [letter.letter_id for letter in await dead_letters.list(ALL) if letter.body == b"two"]
        assert await dead_letters.drop([named], ALL) == 1
        assert {letter.body for letter in await dead_letters.list(ALL)} == {b"\x00\xff", b"three"}
        assert await dead_letters.drop([named], ALL) == 0

    async def test_dropping_without_names_lets_go_of_no_more_than_asked_for(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        assert await dead_letters.drop(None, 2) == 2
        assert await dead_letters.drop(None, ALL) == 1
        assert list(await dead_letters.list(ALL)) == []

    async def test_naming_no_letters_touches_none(self, dead_letters: DeadLetters) -> None:
        await dead_letters.put(LETTERS)
        assert await dead_letters.drop([], ALL) == 0
        assert await dead_letters.replay(_Deliveries(b"two"), [], ALL) == 0
        assert len(await dead_letters.list(ALL)) == 3
