"""Results of a run: medians of the rounds, compared with the goals, and written as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gavel_tools.bench.case import Case, Figure, Measured, Side
from gavel_tools.bench.conditions import Conditions


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a case: the median of Gavel, or of the HTTP ceiling in its own case; and the baseline's, if any."""

    case: Case
    figure: Figure
    value: float
    naive: float | None

    @property
    def naive_times(self) -> float | None:
        """The value as a multiple of the baseline's."""
        return self.value / self.naive if self.naive else None

    @property
    def has_goal(self) -> bool:
        """Whether there is something to reach."""
        figure = self.figure
        goals = (figure.at_least, figure.at_most, figure.naive_times_at_least, figure.naive_times_at_most)
        return any(goal is not None for goal in goals)

    @property
    def missed(self) -> list[str]:
        """The goals that were not reached, in words."""
        figure, times = self.figure, self.naive_times
        value, unit = in_words(self.value, figure.unit), figure.unit
        missed: list[str] = []
        if figure.at_least is not None and self.value < figure.at_least:
            missed.append(f"{value}, not {in_words(figure.at_least, unit)}")
        if figure.at_most is not None and self.value > figure.at_most:
            missed.append(f"{value}, not within {in_words(figure.at_most, unit)}")
        if times is not None and figure.naive_times_at_least is not None and times < figure.naive_times_at_least:
            missed.append(f"{times:.1f} times the naive baseline, not {figure.naive_times_at_least:g}")
        if times is not None and figure.naive_times_at_most is not None and times > figure.naive_times_at_most:
            missed.append(f"{times:.2f} times the naive baseline, not within {figure.naive_times_at_most:g}")
        return missed


@dataclass(slots=True)
class Results:
    """The measurements of a run, by case and side: one a round, from the first round on."""

    conditions: Conditions
    samples: dict[tuple[str, Side], list[Measured]] = field(default_factory=dict[tuple[str, Side], list[Measured]])

    def add(self, case: Case, side: Side, measured: Measured) -> None:
        """Take in one measurement."""
        self.samples.setdefault((case.name, side), []).append(measured)

    def rows(self, cases: Sequence[Case]) -> list[Row]:
        """Every figure that was measured, or can be computed from those that were, as medians."""
        return [
            Row(case, figure, value, _median(self._rounds(case.name, Side.NAIVE, figure)))
            for case in cases
            for figure in case.figures
            if (value := _median(self._rounds(case.name, self._own_side(case.name), figure))) is not None
        ]

    def as_json(self, cases: Sequence[Case]) -> dict[str, object]:
        """One object a section, the baseline's figures beside Gavel's; then every single measurement, by case."""
        sections: dict[str, dict[str, float]] = {}
        rows = self.rows(cases)
        for row in rows:
            section = sections.setdefault(row.case.section, {})
            section[row.figure.name] = round(row.value, 4)
            if row.naive is not None:
                section[f"naive_{row.figure.name}"] = round(row.naive, 4)
        measurements: dict[str, dict[str, list[Measured]]] = {}
        for (name, side), measured in self.samples.items():
            measurements.setdefault(name, {})[side.value] = measured
        return {
            **sections,
            "memory_mb": max((round(row.value, 1) for row in rows if row.figure.name == "memory_mb"), default=None),
            "conditions": self.conditions.as_json(),
            "measurements": measurements,
        }

    def write_json(self, cases: Sequence[Case], file: Path) -> None:
        """Write the results down."""
        file.write_text(json.dumps(self.as_json(cases), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _own_side(self, name: str) -> Side:
        """The side that a case is about: Gavel, but for the HTTP ceiling's own case."""
        return Side.CEILING if (name, Side.CEILING) in self.samples else Side.GAVEL

    def _rounds(self, name: str, side: Side, figure: Figure) -> list[float]:
        """The figure in each round; a share only in those in which both of its figures were measured."""
        measured, share = self.samples.get((name, side), []), figure.share
        if share is None:
            return [each[figure.name] for each in measured]
        wholes = self.samples.get((share.whole_case, self._own_side(share.whole_case)), [])
        return [each[share.part] / whole[share.whole] for each, whole in zip(measured, wholes, strict=False)]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def in_words(value: float, unit: str = "") -> str:
    """A number with three digits or so, and its unit."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}{'' if unit in ('', '/s', '%') else ' '}{unit}"
