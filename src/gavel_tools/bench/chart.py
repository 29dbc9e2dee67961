"""The accepted bids a second as a chart: one panel a case, on a card of its own, so that any page can show it."""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from gavel_tools.bench.conditions import Conditions
from gavel_tools.bench.results import Row, in_words

WIDTH = 760
MARGIN = 28
PANEL_HEIGHT = 118
HEAD_HEIGHT = 76
FOOT_HEIGHT = 76
BAR_LEFT = 118
BAR_HEIGHT = 26
# Room for the value beside the longest bar.
BAR_WIDTH_MAX = WIDTH - BAR_LEFT - MARGIN - 150

_STYLE = """
  .card { fill: #ffffff; stroke: #d1d9e0; }
  text { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; }
  .panel { font-size: 14px; font-weight: 600; }
  .label, .value { font-size: 14px; }
  .value { font-weight: 600; font-variant-numeric: tabular-nums; }
  .quiet { font-size: 12px; fill: #59636e; }
  .gavel { fill: #0969da; }
  .naive { fill: #818b98; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .gavel { fill: #4493f8; }
    .naive { fill: #656c76; }
  }
"""


def write_chart(rows: Sequence[Row], conditions: Conditions, file: Path) -> bool:
    """Write the chart; whether there was anything to show."""
    panels = [row for row in rows if row.figure.name == "accepted_per_s" and row.naive is not None]
    if panels:
        file.write_text(chart(panels, conditions), encoding="utf-8")
    return bool(panels)


def chart(panels: Sequence[Row], conditions: Conditions) -> str:
    """The SVG. Each panel has its own scale, from zero, so that lengths can be compared within it."""
    height = HEAD_HEIGHT + PANEL_HEIGHT * len(panels) + FOOT_HEIGHT
    described = "; ".join(
        f"{row.case.title}: Gavel {in_words(row.gavel)}, naive {in_words(row.naive or 0)}" for row in panels
    )
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    label = quoteattr(f"Accepted bids per second. {described}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={label}>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        _text(MARGIN, 38, "title", "Accepted bids per second"),
        _text(
            MARGIN,
            60,
            "quiet",
            f"JSON over HTTP, {conditions.connections} connections, every bid durable before it is answered",
        ),
    ]
    for number, row in enumerate(panels):
        parts += _panel(row, HEAD_HEIGHT + PANEL_HEIGHT * number)
    postgres = conditions.postgres.get("server_version", "").split(" ")[0]
    foot = HEAD_HEIGHT + PANEL_HEIGHT * len(panels)
    notes = (
        "Naive: the same server with one SELECT FOR UPDATE transaction a bid.",
        f"{conditions.cpu_count} x {conditions.cpu}, with Postgres {postgres} and the load generator on it.",
        f"Medians, {conditions.rounds} rounds of {conditions.seconds} s; {conditions.python}; {conditions.date[:10]}.",
    )
    parts += [_text(MARGIN, foot + 14 + 20 * number, "quiet", note) for number, note in enumerate(notes)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(row: Row, top: int) -> list[str]:
    naive = row.naive or 0
    most = max(row.gavel, naive)
    times = "" if row.naive_times is None else f"  ({row.naive_times:,.1f} times)"
    return [
        _text(MARGIN, top + 24, "panel", row.case.title),
        *_bar("Gavel", "gavel", row.gavel, most, top + 36, f"{in_words(row.gavel)}{times}"),
        *_bar("naive", "naive", naive, most, top + 36 + BAR_HEIGHT + 8, in_words(naive)),
    ]


def _bar(label: str, kind: str, value: float, most: float, top: int, words: str) -> list[str]:
    width = max(BAR_WIDTH_MAX * value / most, 1)
    middle = top + BAR_HEIGHT / 2 + 5
    return [
        _text(MARGIN, middle, "label", label),
        f'<rect class="{kind}" x="{BAR_LEFT}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="3"/>',
        _text(BAR_LEFT + width + 8, middle, "value", words),
    ]


def _text(x: float, y: float, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'
