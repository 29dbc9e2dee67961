"""Chart of the accepted bids as shares of the HTTP ceiling: one panel a case, on a card of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from gavel_tools.bench.cases.http_ceiling import HTTP_CEILING, RATE
from gavel_tools.bench.conditions import Conditions
from gavel_tools.bench.results import Row, in_words

WIDTH = 760
MARGIN = 28
PANEL_HEIGHT = 118
HEAD_HEIGHT = 76
FOOT_HEIGHT = 96
BAR_LEFT = 90
BAR_HEIGHT = 26
# Beside the bars is room for the numbers.
BAR_WIDTH_MAX = WIDTH - BAR_LEFT - MARGIN - 230

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
  .ceiling { fill: #eaeef2; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .gavel { fill: #4493f8; }
    .naive { fill: #656c76; }
    .ceiling { fill: #212830; }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """Shares of the ceiling and accepted bids a second, on both sides of a case."""

    title: str
    share: Row
    rate: Row


def write_chart(rows: Sequence[Row], conditions: Conditions, file: Path) -> bool:
    """Write the chart; return whether there was anything to show."""
    by_name = {(row.case.name, row.figure.name): row for row in rows}
    ceiling = by_name.get((HTTP_CEILING.name, RATE))
    panels = [
        Panel(row.case.title, row, by_name[row.case.name, "accepted_per_s"])
        for row in rows
        if row.figure.name == "ceiling_share" and row.naive is not None
    ]
    if ceiling is None or not panels:
        return False
    file.write_text(chart(ceiling.value, panels, conditions), encoding="utf-8")
    return True


def chart(ceiling_per_s: float, panels: Sequence[Panel], conditions: Conditions) -> str:
    """The SVG. All bars have one scale, from zero to the ceiling, so that any two can be compared."""
    height = HEAD_HEIGHT + PANEL_HEIGHT * len(panels) + FOOT_HEIGHT
    described = "; ".join(
        f"{panel.title}: Gavel {_words(panel.share.value, panel.rate.value)},"
        f" naive {_words(panel.share.naive or 0, panel.rate.naive or 0)}"
        for panel in panels
    )
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    label = quoteattr(f"Accepted bids as a share of the HTTP ceiling. {described}")
    ceiling = (
        f"The full width is the ceiling: a bare uvicorn, {in_words(ceiling_per_s)} answers a second to the same load"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={label}>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        _text(MARGIN, 38, "title", "Accepted bids, as a share of the HTTP ceiling"),
        _text(MARGIN, 60, "quiet", ceiling),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, HEAD_HEIGHT + PANEL_HEIGHT * number)
    postgres = conditions.postgres.get("server_version", "").split(" ")[0]
    foot = HEAD_HEIGHT + PANEL_HEIGHT * len(panels)
    notes = (
        f"JSON over HTTP, {conditions.connections} connections, every bid durable before it is answered.",
        "Naive: the same server with one SELECT FOR UPDATE transaction a bid.",
        f"{conditions.cpu_count} x {conditions.cpu}, with Postgres {postgres} and the load generator on it.",
        f"Medians, {conditions.rounds} rounds of {conditions.seconds} s; {conditions.python}; {conditions.date[:10]}.",
    )
    parts += [_text(MARGIN, foot + 14 + 20 * number, "quiet", note) for number, note in enumerate(notes)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, top: int) -> list[str]:
    share, rate = panel.share, panel.rate
    times = "" if rate.naive_times is None else f"  ({rate.naive_times:,.1f} times)"
    naive_share, naive_rate = share.naive or 0, rate.naive or 0
    return [
        _text(MARGIN, top + 24, "panel", panel.title),
        *_bar("Gavel", share.value, top + 36, f"{_words(share.value, rate.value)}{times}"),
        *_bar("naive", naive_share, top + 36 + BAR_HEIGHT + 8, _words(naive_share, naive_rate)),
    ]


def _words(share: float, per_s: float) -> str:
    return f"{in_words(share * 100, '%')}  {in_words(per_s, '/s')}"


def _bar(label: str, share: float, top: int, words: str) -> list[str]:
    middle = top + BAR_HEIGHT / 2 + 5
    return [
        _text(MARGIN, middle, "label", label),
        _rect("ceiling", BAR_WIDTH_MAX, top),
        _rect(label.lower(), max(BAR_WIDTH_MAX * share, 1), top),
        _text(BAR_LEFT + BAR_WIDTH_MAX + 10, middle, "value", words),
    ]


def _rect(kind: str, width: float, top: int) -> str:
    return f'<rect class="{kind}" x="{BAR_LEFT}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="3"/>'


def _text(x: float, y: float, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'
