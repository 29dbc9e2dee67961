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
    """A figure of a case: the median on each side, the baseline's None where it was not measured."""

    case: Case
    figure: Figure
    gavel: float
    naive: float | None

    @property
    def naive_times(self) -> float | None:
        """How many times the baseline's number Gavel's is."""
        return self.gavel / self.naive if self.naive else None

    @property
    def has_goal(self) -> bool:
        """Whether there is something to reach."""
        figure = self.figure
        return any(goal is not None for goal in (figure.at_least, figure.at_most, figure.naive_times_at_least))

    @property
    def missed(self) -> list[str]:
        """The goals that were not reached, in words."""
        figure = self.figure
        missed: list[str] = []
        if figure.at_least is not None and self.gavel < figure.at_least:
            missed.append(f"{in_words(self.gavel, figure.unit)}, not {in_words(figure.at_least, figure.unit)}")
        if figure.at_most is not None and self.gavel > figure.at_most:
            missed.append(f"{in_words(self.gavel, figure.unit)}, not within {in_words(figure.at_most, figure.unit)}")
        times, times_at_least = self.naive_times, figure.naive_times_at_least
        if times is not None and times_at_least is not None and times < times_at_least:
            missed.append(f"{times:.1f} times the naive baseline, not {times_at_least:g}")
        return missed


@dataclass(slots=True)
class Results:
    """The measurements of a run, by case and side, a list of one a round."""

    conditions: Conditions
    samples: dict[tuple[str, Side], list[Measured]] = field(default_factory=dict[tuple[str, Side], list[Measured]])

    def add(self, case: Case, side: Side, measured: Measured) -> None:
        """Take in one measurement."""
        self.samples.setdefault((case.name, side), []).append(measured)

    def rows(self, cases: Sequence[Case]) -> list[Row]:
        """Every figure that was measured, as medians."""
        return [
            Row(case, figure, gavel, self._median(case, Side.NAIVE, figure))
            for case in cases
            for figure in case.figures
            if (gavel := self._median(case, Side.GAVEL, figure)) is not None
        ]

    def as_json(self, cases: Sequence[Case]) -> dict[str, object]:
        """One object a section, the baseline's figures beside Gavel's; then every single measurement, by case."""
        sections: dict[str, dict[str, float]] = {}
        rows = self.rows(cases)
        for row in rows:
            section = sections.setdefault(row.case.section, {})
            section[row.figure.name] = round(row.gavel, 3)
            if row.naive is not None:
                section[f"naive_{row.figure.name}"] = round(row.naive, 3)
        measurements: dict[str, dict[str, list[Measured]]] = {}
        for (name, side), measured in self.samples.items():
            measurements.setdefault(name, {})[side.value] = measured
        return {
            **sections,
            "memory_mb": max((round(row.gavel, 1) for row in rows if row.figure.name == "memory_mb"), default=None),
            "conditions": self.conditions.as_json(),
            "measurements": measurements,
        }

    def write_json(self, cases: Sequence[Case], file: Path) -> None:
        """Write the results down."""
        file.write_text(json.dumps(self.as_json(cases), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _median(self, case: Case, side: Side, figure: Figure) -> float | None:
        measured = self.samples.get((case.name, side))
        return statistics.median(each[figure.name] for each in measured) if measured else None


def in_words(value: float, unit: str = "") -> str:
    """A number with three digits or so, and its unit."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{'' if unit in ('', '/s', '%') else ' '}{unit}"
