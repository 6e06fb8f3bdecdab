"""The diagrams of the overview as SVG: four shapes of problem, three ways to see the past, and the course as a network.

Each function returns the text of a file of `book/_assets/diagrams`; `python -m companion.figures` writes them.
"""

from collections.abc import Callable
from functools import partial

from companion.figures import vector
from companion.figures.vector import arrow, document, line, tip

BOX = 24  # side of a step of the network

text = partial(vector.text, size=13.5)


def shapes() -> str:
    """Four rows of steps: which of them read, which of them answer."""
    kinds = (
        ("one to many", (0,), (0, 1, 2, 3)),
        ("many to one", (0, 1, 2, 3), (3,)),
        ("aligned", (0, 1, 2, 3), (0, 1, 2, 3)),
        ("unaligned", (0, 1, 2), (2, 3, 4)),
    )
    parts = []
    for number, (name, reads, says) in enumerate(kinds):
        left, top = 16 + 212 * (number % 2), 6 + 148 * (number // 2)
        steps = max(*reads, *says) + 1
        for step in range(steps):
            x = left + 20 + 38 * step
            parts.append(box(x, top + 54))
            if step in reads:
                parts.append(arrow(x, top + 96, x, top + 70, "input"))
            if step in says:
                parts.append(arrow(x, top + 40, x, top + 14, "output"))
            if step:
                parts.append(arrow(x - 26, top + 54, x - 14, top + 54, "hidden"))
        parts.append(text(left + 20 + 19 * (steps - 1), top + 116, name))
    desc = "One to many: the first step reads, every step answers. Many to one: every step reads, the last answers. "
    desc += "Aligned: every step reads and answers. Unaligned: the first steps read, the later ones answer"
    return document(416, 284, "Four shapes of sequence problems", desc, parts)


def sights() -> str:
    """A row of symbols, and what of it a network sees: the present one, a window, or the present one and a state."""
    parts = []
    for row, name in enumerate(("the present", "a window", "a state")):
        y = 34 + 70 * row
        first_seen = (5, 2, 5)[row]
        for k in range(6):
            x = 22 + 38 * k
            colour = "input" if k >= first_seen else "line"
            parts.append(
                f'<rect x="{x - 12}" y="{y - 12}" width="24" height="24" fill="none" stroke="var(--u-{colour})" '
                f'stroke-width="{2 if colour == "input" else 1.5}"/>'
            )
        if row == 1:
            parts.append(line(f"M80 {y + 22}v6H228v-6", "input"))
        parts += [arrow(228, y, 278, y, "input"), box(292, y), arrow(306, y, 352, y, "output")]
        if row == 2:
            parts.append(line(f"M292 {y - 12}v-12q0 -8 8 -8h22q8 0 8 8v24", "hidden"))
            parts.append(tip(292, y - 13, 90, "hidden"))
            parts.append(f'<circle cx="330" cy="{y}" r="3.5" fill="var(--u-hidden)"/>')
        parts.append(text(362, y, name, anchor="start"))
    for k, name in ((5, "now"), (0, "the past")):
        parts.append(text(22 + 38 * k if k else 10, 206, name, "muted", "middle" if k else "start"))
    desc = "Three rows of six symbols. In the first the network reads the last symbol only, in the second the last "
    desc += "four, in the third the last one and, round a loop, its own state"
    return document(456, 220, "Three ways to see the past", desc, parts)


def growth() -> str:
    """Twelve small pictures of one network; in each, what the chapter adds is in colour."""
    chapters: tuple[tuple[str, Callable[[float, float], list[str]]], ...] = (
        ("Overview", _question),
        ("Recurrent neuron", _loop),
        ("Unfolding", _chain),
        ("A basic network", _head),
        ("Connection schemes", _connections),
        ("Backpropagation", _back),
        ("Vanishing gradients", _fading),
        ("Truncation", _cut),
        ("LSTM", _cell),
        ("Peepholes", _peepholes),
        ("GRU", _gru),
        ("Long distances", _distance),
    )
    parts = []
    for number, (name, draw) in enumerate(chapters):
        left, top = 10 + 160 * (number % 3), 8 + 122 * (number // 3)
        parts += draw(left, top)
        parts.append(text(left + 70, top + 98, name))
    told = "no loop yet; a loop; its chain of copies; an output layer on top; links backwards and from the outputs; the"
    told += (
        " gradient running back; the gradient fading; the gradient cut; a second line through all steps with gates on "
    )
    told += "it; gates that look at that line; one line only; an arc from the first of many steps to the last"
    return document(480, 496, "The course as one network that grows", told, parts)


# ---- the twelve small pictures: 140 wide, 84 high; the steps of the network stand at height 44 -----------------------

MIDDLE = (30, 70, 110)


def _steps(left: float, top: float, new: str = "muted", at: tuple[int, ...] = MIDDLE, out: str = "muted") -> list[str]:
    parts = []
    for place, x in enumerate(at):
        parts += [box(left + x, top + 44), arrow(left + x, top + 82, left + x, top + 60, "muted")]
        if out:
            parts.append(arrow(left + x, top + 30, left + x, top + 8, out))
        if place:
            parts.append(arrow(left + at[place - 1] + 12, top + 44, left + x - 14, top + 44, new))
    return parts


def _question(left: float, top: float) -> list[str]:
    parts = [box(left + 70, top + 44), arrow(left + 70, top + 82, left + 70, top + 60, "input")]
    return [*parts, arrow(left + 70, top + 30, left + 70, top + 8, "output"), text(left + 36, top + 44, "?", "hidden")]


def _loop(left: float, top: float) -> list[str]:
    way = line(f"M{left + 70} {top + 22}H{left + 40}q-8 0 -8 8v6q0 8 8 8h14", "hidden")
    dot = f'<circle cx="{left + 70}" cy="{top + 22}" r="3.5" fill="var(--u-hidden)"/>'
    return [*_steps(left, top, at=(70,)), way, tip(left + 57, top + 44, 0, "hidden"), dot]


def _chain(left: float, top: float) -> list[str]:
    return _steps(left, top, "hidden")


def _head(left: float, top: float) -> list[str]:
    head = f'<rect x="{left + 94}" y="{top + 8}" width="32" height="12" rx="3" fill="none" stroke="var(--u-output)"'
    up = arrow(left + 110, top + 30, left + 110, top + 21, "output")
    return [*_steps(left, top, out=""), up, f'{head} stroke-width="2"/>']


def _connections(left: float, top: float) -> list[str]:
    parts = _steps(left, top)
    for x in (30, 70):
        way = f"M{left + x} {top + 20}h12q6 0 6 6v4q0 8 8 10"
        parts += [line(way, "output"), tip(left + x + 27, top + 41, 20, "output")]
        parts.append(arrow(left + x + 28, top + 52, left + x + 14, top + 52, "hidden"))
    return parts


def _back(left: float, top: float) -> list[str]:
    return [
        *_steps(left, top),
        *(arrow(left + x + 26, top + 53, left + x + 12, top + 53, "gradient") for x in (30, 70)),
    ]


def _fading(left: float, top: float) -> list[str]:
    wide = {70: 4.5, 30: 1.5}
    back = [arrow(left + x + 28, top + 54, left + x + 14, top + 54, "gradient", w) for x, w in wide.items()]
    return [*_steps(left, top), *back, line(f"M{left + 16} {top + 54}h-10", "gradient", 0.7)]


def _cut(left: float, top: float) -> list[str]:
    knife = f'<path d="M{left + 50} {top + 20}V{top + 76}" stroke="var(--u-gradient)" stroke-dasharray="4 3"/>'
    return [*_steps(left, top), arrow(left + 97, top + 53, left + 83, top + 53, "gradient"), knife]


def _cell(left: float, top: float, colour: str = "cell") -> list[str]:
    parts = [*_steps(left, top, out=""), line(f"M{left + 4} {top + 18}H{left + 130}", colour, 2.5)]
    parts.append(tip(left + 136, top + 18, 0, colour))
    for x in MIDDLE:
        parts.append(line(f"M{left + x} {top + 32}V{top + 18}", "gate"))
        parts.append(f'<circle cx="{left + x}" cy="{top + 18}" r="4.5" fill="var(--u-gate)"/>')
    return parts


def _peepholes(left: float, top: float) -> list[str]:
    parts = _cell(left, top)
    for x in (30, 70):
        parts += [line(f"M{left + x + 18} {top + 18}L{left + x + 29} {top + 32}", "cell")]
        parts.append(tip(left + x + 31, top + 35, 52, "cell"))
    return parts


def _gru(left: float, top: float) -> list[str]:
    return _cell(left, top, "hidden")


def _distance(left: float, top: float) -> list[str]:
    parts = []
    for k in range(9):
        x = left + 10 + 15 * k
        parts.append(
            f'<rect x="{x - 5}" y="{top + 52}" width="10" height="10" rx="2" fill="none" stroke="currentColor"/>'
        )
        if k:
            parts.append(line(f"M{x - 10} {top + 57}h5", "muted", 1.5))
    parts.append(
        line(f"M{left + 10} {top + 48}C{left + 30} {top + 6} {left + 110} {top + 6} {left + 128} {top + 42}", "hidden")
    )
    return [*parts, tip(left + 130, top + 48, 68, "hidden"), arrow(left + 10, top + 82, left + 10, top + 66, "input")]


def box(x: float, y: float) -> str:
    """A step of the network, its middle at (x, y)."""
    place = f'x="{x - BOX / 2:g}" y="{y - BOX / 2:g}" width="{BOX}" height="{BOX}" rx="5"'
    return f'<rect {place} fill="none" stroke="currentColor" stroke-width="1.6"/>'
