"""The LSTM cell as a diagram, built up gate by gate: the carousel, the cell of 1997, the cell with a forget gate."""

from collections.abc import Callable

from companion.figures.cell_parts import box, document, node, paint, word

SIZE = (640, 268)
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
    tip = f"lstm-{stage}-tip"
    end = f' marker-end="url(#{tip})"'

    def arrow(path: str, colour: str) -> str:
        return f'<path d="{path}" stroke="{paint(colour)}"{end}/>'

    lines, shapes, words = [], [], []
    carry(stage, arrow, lines, shapes, words)
    candidate(stage, arrow, lines, shapes, words)
    if stage != "carousel":
        input_gate(arrow, lines, shapes, words)
        output_gate(arrow, lines, shapes, words)
    if stage == "forget":
        forget_gate(arrow, lines, shapes, words)
    return document(SIZE, TOLD[stage], tip, [*lines, *shapes], words)


def carry(stage: str, arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the line of the cell state, the sum, and the rail that brings input and last output."""
    stops = [66, 288] if stage != "forget" else [66, 152]
    lines.append(arrow(f"M{stops[0]} {LINE}H{stops[1]}", "cell"))
    if stage == "forget":
        lines.append(arrow(f"M184 {LINE}H288", "cell"))
    lines.append(arrow(f"M320 {LINE}H572", "cell"))
    shapes.append(node(304, LINE, "+", "cell"))
    words += [word(40, LINE, "c", "cell", "t−1"), word(592, LINE, "c", "cell", "t")]
    if stage == "carousel":
        words.append(word(180, LINE - 18, "times 1", "cell", plain=True))
    reach = {"carousel": 304, "1997": 460, "forget": 460}[stage]
    lines.append(f'<path d="M108 {RAIL}H{reach}" stroke="currentColor"/>')
    words += [word(30, RAIL, "x", "input", "t"), word(78, RAIL, "h", "hidden", "t−1")]


def candidate(stage: str, arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the tanh that makes the candidate, and its way to the sum."""
    at = 304 if stage == "carousel" else 348
    lines.append(arrow(f"M{at} {RAIL}V{BOXES + 20}", "ink"))
    shapes.append(box(at, BOXES, "tanh"))
    if stage == "carousel":
        lines.append(arrow(f"M{at} {BOXES - 18}V{LINE + 18}", "ink"))
        words.append(word(at + 16, 116, "g", "ink", "t"))
    else:
        lines.append(arrow(f"M{at} {BOXES - 18}V116H322", "ink"))
        words.append(word(at + 16, 136, "g", "ink", "t"))


def input_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the input gate, which multiplies the candidate."""
    lines += [arrow(f"M260 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M260 {BOXES - 18}V116H286", "gate")]
    lines.append(arrow(f"M304 100V{LINE + 18}", "ink"))
    shapes += [box(260, BOXES, "σ", "gate"), node(304, 116, "×")]
    words.append(word(244, 136, "i", "gate", "t"))


def output_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the output gate, which multiplies the tanh of the cell state."""
    lines += [arrow(f"M460 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M482 {BOXES}H504", "gate")]
    lines += [arrow(f"M522 {LINE}V90", "cell"), arrow("M522 126V154", "ink"), arrow(f"M538 {BOXES}H580", "hidden")]
    shapes += [box(460, BOXES, "σ", "gate"), box(522, 108, "tanh"), node(522, BOXES, "×")]
    words += [word(492, BOXES - 18, "o", "gate", "t"), word(600, BOXES, "h", "hidden", "t")]


def forget_gate(arrow: Callable[[str, str], str], lines: list, shapes: list, words: list) -> None:
    """Draw the forget gate, which multiplies the line of the cell state."""
    lines += [arrow(f"M168 {RAIL}V{BOXES + 20}", "ink"), arrow(f"M168 {BOXES - 18}V{LINE + 18}", "gate")]
    shapes += [box(168, BOXES, "σ", "gate"), node(168, LINE, "×")]
    words.append(word(184, 116, "f", "gate", "t"))
