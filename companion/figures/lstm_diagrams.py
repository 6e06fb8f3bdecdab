"""The LSTM cell as a diagram, built up gate by gate: the carousel, the cell of 1997, the cell with a forget gate."""

from collections.abc import Callable

WIDTH, HEIGHT = 640, 268
LINE, RAIL, BOXES = 62, 238, 172

TOLD = {
    "carousel": (
        "The carousel",
        "A line carries the old cell state to the new one. On its way a sum adds the candidate g, a tanh of input and "
        "last output. Nothing multiplies the line: its weight is 1.",
    ),
    "1997": (
        "The cell of 1997",
        "The line of the cell state as before. Before the sum the input gate i multiplies the candidate g. Behind it "
        "the cell state goes through a tanh and is multiplied by the output gate o, which gives the output h. Both "
        "gates are sigmoids of input and last output.",
    ),
    "forget": (
        "The cell with a forget gate",
        "As the cell of 1997, and before the sum the line of the cell state is multiplied by the forget gate f, a "
        "sigmoid of input and last output.",
    ),
}


def cell(stage: str) -> str:
    """Return the diagram of one stage, "carousel", "1997" or "forget", as SVG that follows the theme."""
    title, desc = TOLD[stage]
    tip = f"lstm-{stage}-tip"
    end = f' marker-end="url(#{tip})"'

    def arrow(path: str, colour: str) -> str:
        return f'<path d="{path}" stroke="{_colour(colour)}"{end}/>'

    lines, shapes, words = [], [], []
    _carry(stage, arrow, lines, shapes, words)
    _candidate(stage, arrow, lines, shapes, words)
    if stage != "carousel":
        _input_gate(arrow, lines, shapes, words)
        _output_gate(arrow, lines, shapes, words)
    if stage == "forget":
        _forget_gate(arrow, lines, shapes, words)
    return _document(title, desc, tip, lines, shapes, words)


def _carry(stage: str, arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the line of the cell state, the sum, and the rail that brings input and last output."""
    stops = [66, 288] if stage != "forget" else [66, 152]
    lines.append(arrow(f"M{stops[0]} {LINE}H{stops[1]}", "cell"))
    if stage == "forget":
        lines.append(arrow(f"M184 {LINE}H288", "cell"))
    lines.append(arrow(f"M320 {LINE}H572", "cell"))
    shapes.append(_node(304, LINE, "+", "cell"))
    words += [_word(40, LINE, "c", "cell", "t−1"), _word(592, LINE, "c", "cell", "t")]
    if stage == "carousel":
        words.append(_word(180, LINE - 18, "times 1", "cell", plain=True))
    reach = {"carousel": 304, "1997": 460, "forget": 460}[stage]
    lines.append(f'<path d="M108 {RAIL}H{reach}" stroke="currentColor"/>')
    words += [_word(30, RAIL, "x", "input", "t"), _word(78, RAIL, "h", "hidden", "t−1")]


def _candidate(stage: str, arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    at = 304 if stage == "carousel" else 348
    lines.append(arrow(f"M{at} {RAIL}V{BOXES + 20}", "ink"))
    shapes.append(_box(at, BOXES, "tanh"))
    if stage == "carousel":
        lines.append(arrow(f"M{at} {BOXES - 18}V{LINE + 18}", "ink"))
        words.append(_word(at + 16, 116, "g", "ink", "t"))
    else:
        lines.append(arrow(f"M{at} {BOXES - 18}V116H322", "ink"))
        words.append(_word(at + 16, 136, "g", "ink", "t"))


def _input_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    lines += [arrow(f"M260 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M260 {BOXES - 18}V116H286", "gate")]
    lines.append(arrow(f"M304 100V{LINE + 18}", "ink"))
    shapes += [_box(260, BOXES, "σ", "gate"), _node(304, 116, "×")]
    words.append(_word(244, 136, "i", "gate", "t"))


def _output_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    lines += [arrow(f"M460 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M482 {BOXES}H504", "gate")]
    lines += [arrow(f"M522 {LINE}V90", "cell"), arrow("M522 126V154", "ink"), arrow(f"M538 {BOXES}H580", "hidden")]
    shapes += [_box(460, BOXES, "σ", "gate"), _box(522, 108, "tanh"), _node(522, BOXES, "×")]
    words += [_word(492, BOXES - 18, "o", "gate", "t"), _word(600, BOXES, "h", "hidden", "t")]


def _forget_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    lines += [arrow(f"M168 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M168 {BOXES - 18}V{LINE + 18}", "gate")]
    shapes += [_box(168, BOXES, "σ", "gate"), _node(168, LINE, "×")]
    words.append(_word(184, 116, "f", "gate", "t"))


def _document(title: str, desc: str, tip: str, lines: list, shapes: list, words: list) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        'font-size="15" style="max-width: 100%; height: auto">'
    )
    marker = (
        f'<marker id="{tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="context-stroke"/></marker>'
    )
    body = [f"<title>{title}</title>", f"<desc>{desc}</desc>", f"<defs>{marker}</defs>"]
    body += ['<g fill="none" stroke-width="2">', *lines, *shapes, "</g>"]
    body += ['<g text-anchor="middle" dominant-baseline="central" fill="currentColor">', *words, "</g>"]
    return "\n".join([head, *(f"  {part}" for part in body), "</svg>"]) + "\n"


def _colour(name: str) -> str:
    return "currentColor" if name == "ink" else f"var(--u-{name})"


def _box(x: int, y: int, text: str, colour: str = "ink") -> str:
    stroke = _colour(colour)
    label = f'<text x="{x}" y="{y}" text-anchor="middle" dominant-baseline="central" stroke="none" fill="{stroke}">'
    return f'<rect x="{x - 22}" y="{y - 17}" width="44" height="34" rx="6" stroke="{stroke}"/>{label}{text}</text>'


def _node(x: int, y: int, text: str, colour: str = "ink") -> str:
    stroke = _colour(colour)
    label = f'<text x="{x}" y="{y}" text-anchor="middle" dominant-baseline="central" stroke="none" fill="{stroke}">'
    return f'<circle cx="{x}" cy="{y}" r="16" stroke="{stroke}"/>{label}{text}</text>'


def _word(x: int, y: int, text: str, colour: str, below: str = "", plain: bool = False) -> str:
    style = "" if plain else ' font-style="italic"'
    small = f'<tspan font-size="11" dy="4">{below}</tspan>' if below else ""
    return f'<text x="{x}" y="{y}"{style} fill="{_colour(colour)}">{text}{small}</text>'
