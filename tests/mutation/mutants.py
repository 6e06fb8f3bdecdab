"""The mistakes, one line each: some by hand, as people make them, the others made from the syntax tree."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AROUND = ("training", "tasks", "experiments")

# the test files that stand for each file, with options of pytest: a fast part of all tests. Files are named from
# companion/reference on, those of the folders around it from companion on; their tests stand in the folder of that name
CELLS = ("test_equations.py", "test_gradcheck.py")
SCAN = ("test_gradcheck.py", "test_layouts.py", "test_horizon.py", "test_tape.py")
WHERE_TESTED = {
    "activations.py": CELLS,
    "cells/rnn.py": (*CELLS, "-k", "rnn or simple or neuron"),
    "cells/lstm.py": (*CELLS, "-k", "lstm or 1997"),
    "cells/peephole.py": (*CELLS, "-k", "peephole or output_gate_that"),
    "cells/gru.py": (*CELLS, "-k", "gru"),
    "cells/jordan.py": (*CELLS, "-k", "jordan"),
    "weights.py": ("test_gradcheck.py", "test_equations.py"),
    "unroll.py": SCAN,
    "stack.py": SCAN,
    "layout.py": SCAN,
    "tape.py": ("test_tape.py",),
    "horizon.py": ("test_horizon.py",),
    "jordan.py": ("test_layouts.py",),
    "layer.py": ("test_gradcheck.py", "test_bad_input.py", "test_tape.py"),
    "checks.py": ("test_bad_input.py",),
    "parameters.py": ("test_bad_input.py",),
    "init.py": ("test_learning.py",),
    "clip.py": ("test_learning.py",),
    "optim.py": ("test_learning.py",),
    "losses.py": ("test_losses.py",),
    "linear.py": ("test_losses.py",),
    "gradcheck.py": ("test_gradcheck.py",),
    "training/numpy_loop.py": ("test_numpy_loop.py",),
    "training/batches.py": ("test_batches.py",),
    "training/truncation.py": ("test_truncation.py",),
    "training/step.py": ("test_torch_loop.py",),
    "training/models.py": ("test_torch_loop.py", "test_truncation.py"),
    "training/record.py": ("test_torch_loop.py",),
    "training/checkpoints.py": ("test_checkpoints.py",),
    "training/resume.py": ("test_resume.py", "-k", "not bit_by_bit"),
    "tasks/timing.py": ("test_timing.py",),
    "tasks/digits.py": ("test_digits.py",),
    "tasks/names.py": ("test_names.py",),
    "tasks/batching.py": ("test_echo.py",),
    "experiments/race.py": ("test_race.py",),
    "experiments/intervals.py": ("test_intervals.py",),
}


@dataclass(frozen=True)
class Mutant:
    """One line of one file, with one mistake in it. `line` counts from 1."""

    file: str
    line: int
    old: str
    new: str

    @property
    def tests(self) -> tuple[str, ...]:
        """What of the tests stands for this file."""
        return WHERE_TESTED[self.file]

    @property
    def part(self) -> str:
        """The folder of the package, and of the tests, that the file belongs to."""
        return place(self.file).parts[1]

    def apply(self, folder: Path) -> None:
        """Write the mistake into the copy in this folder."""
        path = folder / place(self.file)
        lines = path.read_text(encoding="utf-8").split("\n")
        assert lines[self.line - 1] == self.old, self
        lines[self.line - 1] = self.new
        path.write_text("\n".join(lines), encoding="utf-8")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old.strip()}  ->  {self.new.strip()}"


def by_hand(file: str, old: str, new: str, which: int = 1) -> Mutant:
    """The mistake that turns `old` into `new` in the n-th line of the file that has it."""
    found = [(k, line) for k, line in enumerate(source(file), 1) if old in line]
    if len(found) < which:
        raise LookupError(f"{file}: fewer than {which} lines with {old!r}: the mutant needs to follow the code")
    number, line = found[which - 1]
    return Mutant(file, number, line, line.replace(old, new, 1))


def source(file: str) -> list[str]:
    """The lines of a file."""
    return (ROOT / place(file)).read_text(encoding="utf-8").split("\n")


def place(file: str) -> Path:
    """Where a file stands in the project."""
    return Path("companion", *(() if file.split("/")[0] in AROUND else ("reference",)), file)


BY_HAND = [
    # cells: gates, states, signs
    by_hand("cells/lstm.py", "a_i, a_f, a_g, a_o = split", "a_f, a_i, a_g, a_o = split"),
    by_hand("cells/lstm.py", "a_i, a_f, a_g, a_o = split", "a_i, a_f, a_o, a_g = split"),
    by_hand("cells/lstm.py", "f = sigmoid(a_f)", "f = tanh(a_f)"),
    by_hand("cells/lstm.py", "c = f * c + i * g", "c = c + i * g"),
    by_hand("cells/lstm.py", "h = o * tanh_c", "h = o * c"),
    by_hand("cells/lstm.py", "split(Wx + w.U @ h, 4)", "split(w.U @ h, 4)"),
    by_hand("cells/lstm.py", "dc = dc + dh * o", "dc = dh * o"),
    by_hand("cells/lstm.py", "df = dc * c_prev", "df = dc * tanh_c"),
    by_hand("cells/lstm.py", "dc = dc * f", "dc = dc"),
    by_hand("cells/lstm.py", "dg * (1 - g * g)", "dg * g * (1 - g)"),
    by_hand("cells/lstm.py", "da = join(da_i, da_f, da_g, da_o)", "da = join(da_i, da_f, da_o, da_g)"),
    by_hand("cells/lstm.py", "a_i, a_g, a_o = split(Wx", "a_i, a_o, a_g = split(Wx"),
    by_hand("cells/lstm.py", "dc = dc + dh * o", "dc = dh * o", which=2),
    by_hand("cells/peephole.py", "o = sigmoid(a_o + w.p_o * c)", "o = sigmoid(a_o + w.p_o * state[1])"),
    by_hand("cells/peephole.py", "+ da_o * w.p_o", ""),
    by_hand("cells/peephole.py", '("c_prev", "c_prev", "c")', '("c_prev", "c_prev", "c_prev")'),
    by_hand("cells/peephole.py", '("i", "f", "o")', '("f", "i", "o")'),
    by_hand("cells/peephole.py", "i = sigmoid(a_i + w.p_i * c)", "i = sigmoid(a_i)"),
    by_hand("cells/peephole.py", "+ da_f * w.p_f", "", which=2),
    by_hand("cells/gru.py", "n = tanh(a_n + r * v)", "n = tanh(a_n + r * u_n + w.b_v)"),
    by_hand("cells/gru.py", "h = (1 - z) * n + z * h", "h = z * n + (1 - z) * h"),
    by_hand("cells/gru.py", "u_r, u_z, u_n = split", "u_z, u_r, u_n = split"),
    by_hand("cells/gru.py", "v = u_n + w.b_v", "v = u_n"),
    by_hand("cells/gru.py", "dv = da_n * r", "dv = da_n"),
    by_hand("cells/gru.py", "dh = dh * z + w.U.mT", "dh = w.U.mT"),
    by_hand("cells/gru.py", "w.U_n @ rh", "r * (w.U_n @ h)"),
    by_hand("cells/gru.py", '("h_prev", "h_prev", "rh")', '("h_prev",)'),
    by_hand("cells/gru.py", "+ drh * r", ""),
    by_hand("cells/jordan.py", "w.U @ y", "w.U @ y * 0"),
    by_hand("cells/jordan.py", "+ w.d_y", ""),
    by_hand("cells/rnn.py", "dh = w.U.mT @ da", "dh = w.U @ da"),
    by_hand("cells/rnn.py", "da = self.phi.back(dh, h)", "da = dh"),
    by_hand("activations.py", "dy * y * (1 - y)", "dy * y"),
    by_hand("activations.py", "(1 - y * y)", "(1 - y)"),
    by_hand("activations.py", "np.real(y) > 0", "np.real(y) >= 0"),
    by_hand("activations.py", "np.real(a) <= 0, 0, a", "np.real(a) > 0, a, 0"),
    by_hand("activations.py", "dy - np.sum(dy * y", "dy - np.sum(dy"),
    # the scan and its reverse
    by_hand(
        "unroll.py", "net.cell.step(Wx_t, state, net.w)", "net.cell.step(Wx_t, tuple(0 * s for s in state), net.w)"
    ),
    by_hand("unroll.py", "states = [run.start, *zip(", "states = [tuple(map(np.zeros_like, run.start)), *zip("),
    by_hand("unroll.py", "shifted[..., 1:, :] = start, series", "shifted[..., 1:, :] = 0, series"),
    by_hand("unroll.py", "np.concatenate([*after, *(records", "np.concatenate([*after[::-1], *(records"),
    by_hand("unroll.py", "gradients[weight.name] = sums[alike].copy()", "gradients[weight.name] = sums[alike]"),
    by_hand("unroll.py", "dstate[0] + dy_t", "dy_t"),
    by_hand("unroll.py", "dstate = choose(alive, before, dstate)", "dstate = before"),
    by_hand("unroll.py", "choose(alive, after, state)", "after"),
    by_hand("unroll.py", "cell.step_back(stop(alive, dafter)", "cell.step_back((dafter"),
    by_hand("unroll.py", "np.where(self.mask, y, 0)", "y"),
    by_hand("unroll.py", "np.where(mask, y, 0), after", "y, after"),
    by_hand("unroll.py", "product += b", "product += 0 * b"),
    by_hand("unroll.py", "dx.sum(axis=0)", "dx[0]"),
    by_hand("stack.py", "first = layer * len(row)", "first = 0"),
    by_hand("stack.py", "turn(back.x, d, row[d].mask)", "back.x"),
    by_hand("stack.py", "turn(run.y, d, run.mask)", "run.y"),
    by_hand("stack.py", "x = np.where(mask, x, 0)", "pass"),
    by_hand("stack.py", "np.where(mask, dy, 0)", "dy"),
    by_hand("stack.py", "backs = row_back + backs", "backs = backs + row_back"),
    by_hand("layout.py", "mask.sum(axis=0) - 1 - steps", "mask.sum(axis=0) - steps"),
    by_hand("layout.py", "array[..., ::-1, :]", "array"),
    by_hand("weights.py", "@ flat(series(self.reads[0])).mT", "@ flat(series(self.reads[0])[..., ::-1, :]).mT"),
    by_hand("weights.py", "letters[letter] + value if letter in letters else value", "value"),
    by_hand("horizon.py", "range(horizon)", "range(horizon + 1)"),
    by_hand("horizon.py", "range(horizon)", "range(max(1, horizon - 1))"),
    by_hand("horizon.py", "last = crossed == horizon - 1", "last = False"),
    by_hand("horizon.py", "np.zeros_like(dy)", "dy"),
    by_hand("horizon.py", "stop(~mask[0], dstate)", "stop(mask[0] & False, dstate)"),
    by_hand("horizon.py", "* layers_in_line", ""),
    by_hand("jordan.py", "y_prev = later(start[0], targets)", "y_prev = targets"),
    by_hand("jordan.py", "(y[..., -1, :],)", "(targets[..., -1, :],)"),
    by_hand("jordan.py", "last=horizon == 1", "last=False"),
    by_hand("layer.py", "if self.bias or not", "if not"),
    by_hand("layer.py", "tape.graph.owner is not self", "False"),
    # what stands around
    by_hand("parameters.py", "if not np.isfinite(array).all():", "if False:"),
    by_hand("parameters.py", "params[name][...] = array", "params[name] = array"),
    by_hand("checks.py", "array.min() < 0 or", ""),
    by_hand("checks.py", "if array.shape != expected:", "if array.size != np.prod(expected):"),
    by_hand("checks.py", "if array.dtype not in allowed:", "if array.dtype.kind not in 'fc':"),
    by_hand("losses.py", "a = a - np.max(", "a = a - 0 * np.max("),
    by_hand("losses.py", "number = counts.sum()", "number = counts.size"),
    by_hand("losses.py", "2 * difference / number", "difference / number"),
    by_hand("linear.py", '"weight": dy.mT @ rows', '"weight": (rows.mT @ dy).mT * 2'),
    by_hand("clip.py", "if norm > max_norm:", "if norm < max_norm:"),
    by_hand("clip.py", "(array / largest) ** 2", "array**2 / largest / largest"),
    by_hand("optim.py", "1 - beta2**self._t", "1 - beta2"),
    by_hand("optim.py", "v *= self.momentum", "v *= 0"),
    by_hand("init.py", "first.shape), 0", "first.shape), values(first.shape)"),
    by_hand("init.py", "(value[..., at, :] for at in offsets(weight.rows, size).values())", "(value,)"),
    by_hand("init.py", "b_i[...] = -b_f", "b_i[...] = b_f"),
    by_hand("tape.py", "turn(array, self._reverse, run.mask)", "array"),
    by_hand("gradcheck.py", "return self.error <= self.tolerance", "return not self.error > self.tolerance"),
    # training
    by_hand(
        "training/numpy_loop.py",
        "unroll(batch.x, lengths=batch.lengths)",
        "unroll(batch.x)",
    ),
    by_hand("training/numpy_loop.py", "self.layer.bptt(tape, head.x)", "self.layer.bptt(tape, head.x, horizon=1)"),
    by_hand("training/numpy_loop.py", 'if "weight" in name:', "if True:"),
    by_hand("training/batches.py", "self.begins = self._taken == 0", "self.begins = True"),
    by_hand("training/batches.py", "islice(self._pass, self._taken)", "islice(self._pass, self._taken + 1)"),
    by_hand(
        "training/batches.py",
        "np.clip(batch.lengths - begin, 0, end - begin)",
        "np.clip(batch.lengths, 0, end - begin)",
    ),
    by_hand("training/batches.py", "fresh = begin == 0 and self._fresh", "fresh = self._fresh"),
    by_hand("training/batches.py", "begins or not self._carry, False", "begins, False"),
    by_hand("training/truncation.py", "else k2 - k1", "else k2 - k1 + 1"),
    by_hand("training/truncation.py", "second]), detach(middle), end", "second]), middle, end"),
    by_hand("training/truncation.py", "Carried(middle, inputs[split:])", "Carried(detach(end), inputs[split:])"),
    by_hand("training/truncation.py", "piece(data, part.steps), len(data.y))", "piece(data, part.steps))"),
    by_hand("training/step.py", "if block.fresh:", "if False:"),
    by_hand("training/step.py", "self.scaler.unscale_(self._optimiser)", "pass"),
    by_hand("training/step.py", "return norm, self.scaler.get_scale() >= before", "return norm, True"),
    by_hand(
        "training/step.py",
        "self.carried = Carried(detach(end), data.x[:0])",
        "self.carried = Carried(None, data.x[:0])",
    ),
    by_hand("training/models.py", "each.sum() / max(len(each) if targets is None else targets, 1)", "each.mean()"),
    by_hand(
        "training/models.py", "return tuple(detach(part) for part in state)", "return (detach(state[0]), state[1])"
    ),
    by_hand("training/record.py", "self.updates not in self.checked[-1:]", "True"),
    by_hand("training/record.py", "tensor.detach().clone()", "tensor.detach()"),
    by_hand("training/checkpoints.py", "os.replace(scratch, path)", "path.write_bytes(scratch.read_bytes())"),
    by_hand("training/checkpoints.py", 'if metadata.get("digest") !=', 'if "digest" not in metadata and None !='),
    by_hand("training/resume.py", "part.load_state_dict(tree[name])", "part.load_state_dict(part.state_dict())"),
    by_hand("training/resume.py", 'if self._world.rank < len(tree["generators"]):', "if False:"),
    by_hand("training/resume.py", 'if tree["settings"].get(name) != value:', "if False:"),
    # tasks
    by_hand("tasks/timing.py", "np.cumsum(self.delay + longer, axis=0)", "np.cumsum(self.delay + 1 - longer, axis=0)"),
    by_hand("tasks/timing.py", "return Batch(x, y, at[-1] + 1)", "return Batch(x, y, at[-1])"),
    by_hand("tasks/timing.py", "y[self.period - 1 :: self.period] = 1", "y[self.period :: self.period] = 1"),
    by_hand("tasks/timing.py", ".all(axis=(-3, -1))", ".any(axis=(-3, -1))"),
    by_hand("tasks/digits.py", "self.pictures[chosen].swapaxes(0, 1)", "self.pictures[chosen].transpose(2, 0, 1)"),
    by_hand("tasks/digits.py", "y[0 if every else -1 :]", "y[-1:]"),
    by_hand("tasks/digits.py", ".permutation(len(FORMS) - 1)", ".integers(len(FORMS) - 1, size=len(FORMS) - 1)"),
    by_hand("tasks/digits.py", "np.bincount(known).argmax()", "np.bincount(asked).argmax()"),
    by_hand("tasks/names.py", "if seen[name] == 1", "if seen[name] <= 2"),
    by_hand("tasks/names.py", "step == lengths - 1", "step == len(x) - 1"),
    by_hand("tasks/names.py", "start += count", "start += 0"),
    by_hand("tasks/names.py", 'if re.fullmatch("[a-z]+", word)', 'if re.match("[a-z]+", word)'),
    by_hand(
        "tasks/batching.py",
        "np.arange(T)[:, None] < np.asarray(lengths)",
        "np.arange(T)[:, None] <= np.asarray(lengths)",
    ),
    # experiments
    by_hand("experiments/race.py", "share = (asked / count[:, None, None, None])", "share = (asked / count.mean())"),
    by_hand("experiments/race.py", "2 * error * share", "error * share"),
    by_hand("experiments/race.py", "np.exp(log_p) - right", "right - np.exp(log_p)"),
    by_hand("experiments/race.py", "== data.y) & data.asked", "== data.y)"),
    by_hand("experiments/race.py", "np.where(np.isfinite(outputs).all(axis=(1, 2, 3)), value, np.nan)", "value"),
    by_hand("experiments/race.py", ".sum(axis=1) for grad in grads.values()", ".sum() for grad in grads.values()"),
    by_hand("experiments/race.py", "np.minimum(1, largest /", "(largest /"),
    by_hand("experiments/race.py", "key=count) + 1", "key=count)"),
    by_hand("experiments/intervals.py", '"share": successes / count', '"share": successes / (count + 1)'),
    by_hand("experiments/intervals.py", 'method="wilson"', 'method="exact"'),
    by_hand("experiments/intervals.py", "if np.ptp(values):", "if False:"),
    by_hand("experiments/intervals.py", "t.ppf(0.975", "t.ppf(0.95"),
]

SWAPS = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+")}
GENERATED_FROM = (
    "cells/lstm.py",
    "cells/peephole.py",
    "cells/gru.py",
    "cells/jordan.py",
    "cells/rnn.py",
    "activations.py",
    "horizon.py",
    "losses.py",
    "optim.py",
)
# a mistake that changes nothing but rounding, or nothing at all
HARMLESS = (
    "e = np.exp(a + np.max",  # the largest entry is taken off for large numbers only; losses.py has it tested
)


def generated() -> list[Mutant]:
    """Every +, - and * of the arithmetic, one after the other, made another one."""
    return [mutant for file in GENERATED_FROM for mutant in arithmetic(file)]


def arithmetic(file: str) -> list[Mutant]:
    """The mutants of one file: one for each operator that stands between two operands of one line."""
    lines, found = source(file), []
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, ast.BinOp) or type(node.op) not in SWAPS or node.left.end_lineno != node.right.lineno:
            continue
        old, new = SWAPS[type(node.op)]
        line = lines[node.right.lineno - 1]
        raw = line.encode()
        start, end = node.left.end_col_offset, node.right.col_offset
        between = raw[start:end].decode()
        if old not in between:
            continue
        changed = (raw[:start] + between.replace(old, new, 1).encode() + raw[end:]).decode()
        if not any(harmless in changed for harmless in HARMLESS):
            found.append(Mutant(file, node.right.lineno, line, changed))
    return found
