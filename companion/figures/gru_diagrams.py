"""The GRU as a diagram, with its reset gate after or before the recurrent product."""

WIDTH, HEIGHT = 640, 292
LINE, MIX, UPPER, LOWER, RAIL = 40, 92, 146, 208, 264

TOLD = {
    "after": (
        "The GRU with the reset after the product",
        "A line carries the old state to the new one. On its way the update gate z multiplies it, and a sum adds the "
        "candidate n times 1 minus z. The candidate is a tanh of the input and of the product of the matrix U with the "
        "old state, which the reset gate r multiplies behind U",
    ),
    "before": (
        "The GRU with the reset before the product",
        "As before, but the reset gate r multiplies the old state itself, and the matrix U stands behind that",
    ),
}


def cell(reset: str) -> str:
    """Return the diagram of a GRU whose reset stands "after" the product or "before" it, as SVG."""
    title, desc = TOLD[reset]
    tip = f"gru-{reset}-tip"

    def arrow(path: str, colour: str = "ink") -> str:
        return f'<path d="{path}" stroke="{_colour(colour)}" marker-end="url(#{tip})"/>'

    lines = _state(arrow) + _candidate(arrow, reset)
    shapes = [_node(104, LINE, "×"), _node(506, LINE, "+", "hidden"), _node(506, MIX, "×")]
    shapes += [_box(104, LOWER, "σ", "gate"), _box(196, LOWER, "σ", "gate"), _box(404, UPPER, "tanh")]
    shapes.append(_box(404, MIX, "1 −", "gate"))
    product, gate = (LOWER, UPPER) if reset == "after" else (UPPER, LOWER)
    shapes += [_box(290, product, "U", "hidden"), _node(290, gate, "×")]
    words = [_word(36, LINE, "h", "hidden", "t−1"), _word(602, LINE, "h", "hidden", "t")]
    words += [_word(28, RAIL, "x", "input", "t"), _word(74, RAIL, "h", "hidden", "t−1")]
    words += [_word(122, 122, "z", "gate", "t"), _word(228, gate - 16, "r", "gate", "t")]
    words += [_word(462, UPPER - 14, "n", "ink", "t"), _word(316, 240, "h", "hidden", "t−1")]
    words.append(_word(420, 240, "x", "input", "t"))
    return _document(title, desc, tip, lines, shapes, words)


def _state(arrow) -> list[str]:
    """Draw the line of the state, the update gate on both of its ways, and the rail of input and old state."""
    lines = [arrow(f"M58 {LINE}H86", "hidden"), arrow(f"M120 {LINE}H488", "hidden")]
    lines += [arrow(f"M522 {LINE}H584", "hidden"), f'<path d="M100 {RAIL}H404" stroke="currentColor"/>']
    lines += [arrow(f"M104 {RAIL}V{LOWER + 20}"), arrow(f"M104 {LOWER - 18}V{LINE + 18}", "gate")]
    lines += [arrow(f"M104 {MIX}H380", "gate"), arrow(f"M426 {MIX}H488", "gate")]
    return [*lines, arrow(f"M506 {MIX - 16}V{LINE + 18}")]


def _candidate(arrow, reset: str) -> list[str]:
    """Draw what the candidate is made of."""
    lines = [arrow(f"M196 {RAIL}V{LOWER + 20}"), arrow(f"M290 {RAIL}V{LOWER + (20 if reset == 'after' else 18)}")]
    lines += [arrow(f"M404 {RAIL}V{UPPER + 20}", "input"), arrow(f"M426 {UPPER}H506V{MIX + 18}")]
    if reset == "after":
        lines += [arrow(f"M290 {LOWER - 18}V{UPPER + 18}"), arrow(f"M196 {LOWER - 18}V{UPPER}H272", "gate")]
        return [*lines, arrow(f"M306 {UPPER}H380")]
    lines += [arrow(f"M290 {LOWER - 16}V{UPPER + 20}"), arrow(f"M218 {LOWER}H272", "gate")]
    return [*lines, arrow(f"M312 {UPPER}H380")]


def _document(title: str, desc: str, tip: str, lines: list, shapes: list, words: list) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        'font-size="15" style="max-width: 100%; height: auto">'
    )
    marker = (
        f'<marker id="{tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="context-stroke"/></marker>'
    )
    body = [f"<title>{title}</title>", f"<desc>{desc}.</desc>", f"<defs>{marker}</defs>"]
    body += ['<g fill="none" stroke-width="2">', *lines, *shapes, "</g>"]
    body += ['<g text-anchor="middle" dominant-baseline="central" fill="currentColor">', *words, "</g>"]
    return "\n".join([head, *(f"  {part}" for part in body), "</svg>"]) + "\n"


def _colour(name: str) -> str:
    return "currentColor" if name == "ink" else f"var(--u-{name})"


def _inside(x: int, y: int, text: str, colour: str) -> str:
    place = f'x="{x}" y="{y}" text-anchor="middle" dominant-baseline="central" stroke="none" fill="{_colour(colour)}"'
    return f"<text {place}>{text}</text>"


def _box(x: int, y: int, text: str, colour: str = "ink") -> str:
    shape = f'<rect x="{x - 22}" y="{y - 17}" width="44" height="34" rx="6" stroke="{_colour(colour)}"/>'
    return shape + _inside(x, y, text, colour)


def _node(x: int, y: int, text: str, colour: str = "ink") -> str:
    return f'<circle cx="{x}" cy="{y}" r="16" stroke="{_colour(colour)}"/>' + _inside(x, y, text, colour)


def _word(x: int, y: int, text: str, colour: str, below: str) -> str:
    small = f'<tspan font-size="11" dy="4">{below}</tspan>'
    return f'<text x="{x}" y="{y}" font-style="italic" fill="{_colour(colour)}">{text}{small}</text>'
