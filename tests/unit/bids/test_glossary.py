"""The glossary is law: every word has one sentence, and lives where the page says."""

import re
from pathlib import Path

import pytest

GLOSSARY = Path(__file__).parents[3] / "docs" / "GLOSSARY.md"
ROWS: list[tuple[str, str, str]] = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| ([^|]*`[^|]*) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE
)
# The words of the house style, without which code and talk drift apart.
HOUSE_WORDS = (
    "item|auction|bid|amount|increment|reserve|proxy (maximum)|leader|soft close|closer|outbox|relay|claim|feed|"
    "watcher|lane|batch|decision|refusal"
)


def test_every_word_of_the_house_is_explained_once() -> None:
    explained = [word for word, _, _ in ROWS]
    assert set(explained) >= set(HOUSE_WORDS.split("|"))
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize(("word", "sentence"), [(word, sentence) for word, sentence, _ in ROWS])
def test_a_word_has_one_sentence(word: str, sentence: str) -> None:
    assert re.fullmatch(r"[A-Z0-9][^.]*\.", sentence), word


@pytest.mark.parametrize(("word", "places"), [(word, places) for word, _, places in ROWS])
def test_a_word_lives_where_the_page_says(word: str, places: str) -> None:
    named = re.findall(r"`([^`]+)` in \[([^\]]+)\]\(([^)]+)\)", places)
    assert named, word
    for symbol, name, link in named:
        file = (GLOSSARY.parent / link).resolve()
        assert file.name == name
        assert re.search(rf"\b{re.escape(symbol)}\b", file.read_text("utf-8")), f"{word}: {symbol} is not in {link}"
