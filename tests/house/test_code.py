"""The house rules of the code: small files, small functions, no hidden clock, no dead statement."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.tree import ROOT, SOURCE, calls, functions, named, python_files

FILE_LINES_MAX = 400
FOLDER_FILES_MAX = 20
FUNCTION_LINES_MAX = 60

# Time, ids and randomness come into the rules as arguments. A clock is known by its last name: `loop.time` is one.
IMPURE_CALLS = re.compile(
    r"(datetime\.(now|utcnow|today)|date\.today|time\.\w+|uuid\d|uuid\.\w+|random\.\w+|secrets\.\w+|os\.urandom"
    r"|(\A|\W)(time|monotonic|perf_counter|process_time|thread_time)(_ns)?)$"
)
# The runtime knows no side: words of the auction in it are a dependency that no import shows.
AUCTION_WORDS = re.compile(r"\b(auctions?|bid(s|der|ders|ding)?|items?(?!\()|lots?|sellers?)\b", re.IGNORECASE)
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}


def test_files_stay_short() -> None:
    long = {
        named(path): lines
        for path in python_files("src", "tests")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    }
    assert long == {}


def test_folders_stay_small() -> None:
    """SQL lies in folders of its own, and what `__init__.py` says is a sentence."""
    files = Counter(path.parent for path in python_files("src") if path.name != "__init__.py")
    assert files
    assert {named(folder): count for folder, count in files.items() if count > FOLDER_FILES_MAX} == {}


def test_functions_stay_short() -> None:
    long = {
        f"{named(path)}:{node.lineno} {node.name}": lines
        for path in python_files("src", "tests")
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_rules_and_use_cases_read_no_clock_and_make_no_ids() -> None:
    pure = [
        path
        for side in ("bids", "userstats")
        for layer in ("domain", "use_cases", "ports", "ports.py")
        for path in python_files(f"src/gavel/{side}/{layer}") or [SOURCE / side / layer]
        if path.is_file()
    ]
    assert pure
    made = [(path, call, line) for path in pure for call, line in calls(path)]
    impure = [f"{named(path)}:{line} {call}" for path, call, line in made if IMPURE_CALLS.search(call)]
    assert impure == []


@pytest.mark.parametrize(
    "code",
    [
        "datetime.now(UTC)",
        "uuid4()",
        "uuid.uuid4()",
        "random.random()",
        "time.time()",
        "os.urandom(8)",
        "loop.time()",
        "asyncio.get_running_loop().time()",
        "self._loop.time()",
        "monotonic()",
        "time.perf_counter()",
        "perf_counter_ns()",
    ],
)
def test_the_rule_on_impure_calls_notices(code: str, tmp_path: Path) -> None:
    file = tmp_path / "use_case.py"
    file.write_text(f"made_at = {code}\n", encoding="utf-8")
    assert any(IMPURE_CALLS.search(call) for call, _ in calls(file))


@pytest.mark.parametrize("code", ["timedelta(seconds=1)", "asyncio.timeout(1)", "at.timestamp()", "lifetime()"])
def test_the_rule_on_impure_calls_lets_pass_what_reads_no_clock(code: str, tmp_path: Path) -> None:
    file = tmp_path / "use_case.py"
    file.write_text(f"made_at = {code}\n", encoding="utf-8")
    assert not any(IMPURE_CALLS.search(call) for call, _ in calls(file))


def test_names_say_what_a_file_is_for() -> None:
    vague = [named(path) for path in python_files("src", "tests") if path.stem in VAGUE_NAMES]
    assert vague == []


def test_the_runtime_has_no_word_of_the_auction() -> None:
    http = SOURCE / "runtime" / "http"
    runtime = [path for path in python_files("src/gavel/runtime") if http not in path.parents]
    assert runtime
    found = [
        f"{named(path)}:{number} {match[0]}"
        for path in runtime
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for match in AUCTION_WORDS.finditer(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["# A bid takes milliseconds.", "Items of a list", "the seller's", "def bidders() -> None:"]
)
def test_the_rule_on_words_of_the_auction_notices(line: str) -> None:
    assert AUCTION_WORDS.search(line)


def test_every_statement_in_a_sql_file_is_used() -> None:
    statements = sorted(SOURCE.rglob("sql/*.sql"))
    assert statements
    dead = [
        named(path)
        for path in statements
        if not any(f'"{path.stem}"' in user.read_text(encoding="utf-8") for user in path.parents[1].rglob("*.py"))
    ]
    assert dead == []


def test_every_sql_file_says_what_it_guarantees() -> None:
    silent = [
        named(path) for path in SOURCE.rglob("sql/*.sql") if not path.read_text(encoding="utf-8").startswith("-- ")
    ]
    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|pytest\.skip|mark\.(skip|xfail)")
    found = [
        f"{named(path)}:{number}"
        for path in python_files("src", "tests")
        if path != ROOT / "tests" / "house" / "test_code.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if unfinished.search(line)
    ]
    assert found == []


def test_who_may_act_is_decided_in_one_place() -> None:
    """ActorId is what commands take. Only the parser of requests makes one, from what Call.acting_as returns."""
    makers = [named(path) for path in python_files("src/gavel") if "ActorId(" in path.read_text(encoding="utf-8")]
    assert makers == ["src/gavel/bids/adapters/connect/requests.py"]
