"""Page tokens: positions come back for the list that they were issued for, and every other text is refused."""

import pytest

from gavel.runtime.http.connect.page_tokens import TOKEN_CHARACTERS_MAX, PageTokenInvalid, PageTokens

LIST = "items ACTIVE antiques"


def tokens_of(secret: bytes) -> PageTokens:
    async def load() -> bytes:
        return secret

    return PageTokens(load)


@pytest.fixture
def tokens() -> PageTokens:
    return tokens_of(b"s" * 32)


@pytest.mark.parametrize("position", [(7,), ("2026-11-30T12:00:00+00:00", "0190-item"), (2**63 - 1, "x" * 400)])
async def test_a_position_comes_back_as_it_was(tokens: PageTokens, position: tuple[str | int, ...]) -> None:
    token = await tokens.issue(LIST, *position)
    assert await tokens.read(LIST, token) == list(position)
    assert token.isascii()
    assert not set(token) & set("+/=& ")


async def test_processes_with_one_secret_accept_each_others_tokens(tokens: PageTokens) -> None:
    assert await tokens_of(b"s" * 32).read(LIST, await tokens.issue(LIST, 7)) == [7]


@pytest.mark.parametrize("other_list", ["items ACTIVE", "items ACTIVE antiques ", "items ENDED antiques", ""])
async def test_a_token_of_another_list_is_refused(tokens: PageTokens, other_list: str) -> None:
    with pytest.raises(PageTokenInvalid):
        await tokens.read(LIST, await tokens.issue(other_list, 7))


async def test_a_token_of_another_installation_is_refused(tokens: PageTokens) -> None:
    with pytest.raises(PageTokenInvalid):
        await tokens.read(LIST, await tokens_of(b"t" * 32).issue(LIST, 7))


async def test_a_token_with_any_character_changed_is_refused(tokens: PageTokens) -> None:
    token = await tokens.issue(LIST, "2026-11-30T12:00:00+00:00", 7)
    # The last character has bits that no byte takes.
    for place in range(len(token) - 1):
        changed = "A" if token[place] != "A" else "B"
        with pytest.raises(PageTokenInvalid):
            await tokens.read(LIST, token[:place] + changed + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "W10", "W10.", ".W10", "=", "ü", "\ud800", "a b", "eJw.x", "x" * (TOKEN_CHARACTERS_MAX + 1)],
)
async def test_a_text_that_is_no_token_is_refused(tokens: PageTokens, token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        await tokens.read(LIST, token)


async def test_the_secret_is_loaded_once_and_when_it_is_first_needed() -> None:
    loads: list[bytes] = []

    async def load() -> bytes:
        loads.append(b"s" * 32)
        return loads[-1]

    tokens = PageTokens(load)
    assert not loads
    for position in (1, 2):
        await tokens.read(LIST, await tokens.issue(LIST, position))
    assert len(loads) == 1
