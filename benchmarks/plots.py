"""Bars and curves as small SVG files, readable on light and dark pages, without a plotting library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Bar", "Curve", "bars", "curves"]

_WIDTH = 720
_COLOURS = ("#0b62a4", "#c8511b", "#3a7d34", "#7a4fa3")
_STYLE = (
    "<style>text{font:14px sans-serif;fill:#222}.t{font-size:16px;font-weight:bold}"
    ".g{stroke:#bbb;stroke-width:1}</style>"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is and how long."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One line through points (x, y), x rising."""

    label: str
    points: tuple[tuple[float, float], ...]


def _page(title: str, height: int, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    name = f'<text class="t" x="16" y="28">{escape(title)}</text>'
    return "\n".join([head, _STYLE, ground, name, *body, "</svg>", ""])


def _nice(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(title: str, values: Sequence[Bar], *, unit: str) -> str:
    """Horizontal bars from zero, each with its figure."""
    longest = max(bar.value for bar in values) or 1.0
    body = []
    for number, bar in enumerate(values):
        y = 48 + number * 34
        length = max(1.0, 300 * bar.value / longest)
        colour = _COLOURS[0] if number == 0 else "#8a99a6"
        body.append(f'<text x="300" y="{y + 17}" text-anchor="end">{escape(bar.label)}</text>')
        body.append(f'<rect x="308" y="{y}" width="{length:.1f}" height="24" fill="{colour}"/>')
        body.append(f'<text x="{316 + length:.1f}" y="{y + 17}">{_nice(bar.value)} {escape(unit)}</text>')
    return _page(title, 64 + 34 * len(values), body)


def curves(title: str, lines: Sequence[Curve], *, x: str, y: str) -> str:
    """Lines over a linear x axis and a y axis from zero."""
    xs = [point[0] for line in lines for point in line.points]
    low, high = min(xs), max(xs)
    top = _ceiling(max(point[1] for line in lines for point in line.points))
    left, right, ground, roof = 80, _WIDTH - 120, 320, 60

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - low) / (high - low) if high > low else 0.5
        return left + across * (right - left), ground - (ground - roof) * point[1] / top

    body = []
    for step in range(5):
        height = ground - (ground - roof) * step / 4
        body.append(f'<line class="g" x1="{left}" y1="{height}" x2="{right}" y2="{height}"/>')
        body.append(f'<text x="{left - 8}" y="{height + 5}" text-anchor="end">{_nice(top * step / 4)}</text>')
    for value in sorted(set(xs)):
        across = place((value, 0))[0]
        body.append(f'<text x="{across:.1f}" y="{ground + 22}" text-anchor="middle">{_nice(value)}</text>')
    body.append(f'<text x="{(left + right) / 2}" y="{ground + 46}" text-anchor="middle">{escape(x)}</text>')
    body.append(f'<text x="{left}" y="{roof - 12}" text-anchor="end">{escape(y)}</text>')
    for line, colour in zip(lines, _COLOURS, strict=False):
        spots = [place(point) for point in line.points]
        path = " ".join(f"{across:.1f},{height:.1f}" for across, height in spots)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        body.extend(f'<circle cx="{a:.1f}" cy="{h:.1f}" r="4" fill="{colour}"/>' for a, h in spots)
        across, height = spots[-1]
        body.append(f'<text x="{across + 10:.1f}" y="{height + 5:.1f}">{escape(line.label)}</text>')
    return _page(title, ground + 64, body)


def _ceiling(value: float) -> float:
    """The next round figure above, so that grid lines are readable."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * factor for factor in (1, 2, 4, 5, 8, 10) if unit * factor >= value)
