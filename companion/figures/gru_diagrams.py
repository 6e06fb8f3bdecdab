"""The GRU as a diagram, with its reset gate after or before the recurrent product."""

from companion.figures.cell_parts import box, document, node, paint, word

WIDTH, HEIGHT = 640, 292
LINE, MIX, UPPER, LOWER, RAIL = 40, 92, 146, 208, 264

TOLD = {
    "after": (
        "The GRU with the reset after the product",
        "A line carries the old state to the new one. On its way the update gate z multiplies it, and a sum adds the "
        "candidate n times 1 minus z. The candidate is a tanh of the input and of the product of the matrix U with the "
        "old state, which the reset gate r multiplies behind U.",
    ),
    "before": (
        "The GRU with the reset before the product",
        "As before, but the reset gate r multiplies the old state itself, and the matrix U stands behind that.",
    ),
}


def cell(reset: str) -> str:
    """Return the diagram of a GRU whose reset stands "after" the product or "before" it, as SVG."""
    tip = f"gru-{reset}-tip"

    def arrow(path: str, colour: str = "ink") -> str:
        return f'<path d="{path}" stroke="{paint(colour)}" marker-end="url(#{tip})"/>'

    lines = _state(arrow) + _candidate(arrow, reset)
    shapes = [node(104, LINE, "×"), node(506, LINE, "+", "hidden"), node(506, MIX, "×")]
    shapes += [box(104, LOWER, "σ", "gate"), box(196, LOWER, "σ", "gate"), box(404, UPPER, "tanh")]
    shapes.append(box(404, MIX, "1 −", "gate"))
    product, gate = (LOWER, UPPER) if reset == "after" else (UPPER, LOWER)
    shapes += [box(290, product, "U", "hidden"), node(290, gate, "×")]
    words = [word(36, LINE, "h", "hidden", "t−1"), word(602, LINE, "h", "hidden", "t")]
    words += [word(28, RAIL, "x", "input", "t"), word(74, RAIL, "h", "hidden", "t−1")]
    words += [word(122, 122, "z", "gate", "t"), word(228, gate - 16, "r", "gate", "t")]
    words += [word(462, UPPER - 14, "n", "ink", "t"), word(316, 240, "h", "hidden", "t−1")]
    words.append(word(420, 240, "x", "input", "t"))
    return document((WIDTH, HEIGHT), TOLD[reset], tip, [*lines, *shapes], words)


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
