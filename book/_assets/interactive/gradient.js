/* Where a gradient goes: a unit gradient arrives at the last state of a small layer, and the reader follows its norm back.
 *
 * h_t = φ(g U h_{t-1} + x_t) from zero, for one of three fixed matrices U of spectral radius 1 and a fixed input x, so that
 * the gain g is the spectral radius of what acts. Going back, dh_{t-1} = g Uᵀ (φ'(a_t) dh_t). The bound is (γ g σ)ᵏ with the
 * steepest slope γ of the activation and the largest singular value σ of U.
 */
unrolled.figure("gradient", (stage, figure) => {
  "use strict";
  const { html, svg, scale, path, text, number, slider, named, button, mark, sentences, readout, onWidth, announcer, publish } = unrolled;

  // made by gradient_data() of companion/figures/__main__.py; a test compares them
  const data = {
    "x": [[0.5,-0.31,0.91,-0.66,-0.33,0.47],[0.02,1.0,0.09,-0.32,-0.19,-0.55],[-0.64,0.32,0.29,0.65,-0.38,0.84],[-0.14,0.79,-0.22,-0.37,0.12,0.52],
      [0.08,-0.29,-0.67,-0.7,0.25,0.49],[-0.08,-0.54,0.44,-0.64,-0.36,0.31],[-1.13,0.19,-0.29,0.05,-0.04,0.1],[0.35,-0.38,0.71,0.36,0.42,0.58],
      [0.39,0.42,0.04,-0.71,-0.07,-0.38],[-0.71,0.13,-0.28,-0.51,-0.52,0.13],[0.18,0.66,-0.01,0.52,0.7,0.58],[-1.18,0.61,0.17,0.21,0.19,0.19],
      [0.16,-0.18,-0.95,-0.05,-0.4,0.54],[-0.14,0.04,-0.42,-0.26,-0.01,-0.74],[0.15,-0.05,-0.59,-1.2,0.26,-0.15],[-0.27,-0.12,0.91,-0.02,0.04,-0.74],
      [0.82,0.46,0.53,0.02,0.46,0.19],[0.31,-0.08,-0.74,0.51,-0.97,-0.12],[-0.1,-0.52,0.31,-0.1,-0.22,0.26],[-0.24,0.69,0.18,-0.24,-0.97,-0.65],
      [0.54,-0.03,-0.14,0.82,-0.64,-0.29],[-0.24,0.29,-0.33,-0.31,-0.8,0.36],[0.4,-0.24,0.08,-0.65,-0.24,0.69],[0.07,1.16,-0.39,0.29,-0.1,0.28],
      [-0.0,-0.28,-0.43,1.53,-0.04,-1.01],[-0.32,0.34,-0.25,0.68,0.5,-0.08],[-0.24,-0.5,-0.35,-0.74,0.6,0.8],[-0.63,-0.59,-0.88,-0.48,-1.55,-0.57],
      [0.65,-0.17,0.43,-0.24,0.88,0.1],[-0.19,1.28,-0.16,-0.61,0.1,-0.02],[0.53,-0.46,0.4,0.43,-0.33,0.08],[-0.42,1.17,-0.35,-0.23,-0.53,-0.17],
      [-0.0,0.38,-0.31,-0.09,-0.71,-0.41],[1.38,0.52,-0.39,-0.67,-0.49,-0.01],[0.02,-0.37,-0.64,0.71,0.23,-0.19],[-0.11,-0.26,-1.47,0.06,-0.54,-0.5],
      [-0.32,0.37,-0.59,-0.72,0.32,0.38],[-0.48,0.28,-0.15,0.15,-0.63,0.42],[0.6,0.32,0.28,-1.89,0.13,-0.01],[-0.07,-0.32,0.03,0.21,-0.13,-0.23],
      [0.61,-0.55,0.52,0.09,-0.4,-0.14],[-0.46,0.34,0.17,-0.28,-0.55,0.15],[0.48,-0.06,0.21,-0.19,0.03,-0.15],[0.15,-0.75,0.32,-0.11,0.18,-0.17],
      [0.16,-0.54,0.59,-0.85,-0.52,0.12],[0.73,0.14,-0.12,-0.71,-0.1,-0.01],[0.85,0.31,-0.76,1.01,-0.2,-0.44],[0.74,-0.02,-0.18,0.11,0.42,0.5],
      [-0.69,1.0,0.47,-0.19,-0.41,-0.48],[0.06,-0.32,-0.38,0.41,0.18,-0.2],[0.37,0.68,-0.55,-0.3,0.47,0.36],[0.11,0.58,-0.54,-0.74,-0.43,0.06],
      [-0.4,-0.24,-0.49,-0.31,-0.5,0.18],[0.4,-0.24,-0.1,-0.29,0.27,0.04],[0.8,-0.55,0.18,0.22,-0.18,0.29],[-0.72,1.06,-0.67,0.46,-0.56,0.58],
      [-0.19,0.08,0.03,0.55,-0.16,-1.48],[-0.38,0.09,-0.22,0.38,0.51,-0.07],[-0.74,0.69,0.54,-0.15,1.05,-0.17],[-0.57,-0.08,0.54,-0.47,0.98,-0.45]],
    "matrices": {
      "Gaussian": {"U":[[0.0807,-0.0848,0.4112,0.0673,-0.3439,0.2322],[0.8372,0.6081,-0.4518,-0.8124,-0.4002,0.0265],[-1.4927,-0.1405,-0.7999,-0.4701,-0.3494,-0.2031],[0.2643,0.6693,-0.0825,0.8773,-0.4271,0.2257],[0.5801,0.0604,-0.4774,-0.5918,-0.2939,0.1414],[-0.6482,-0.1343,-0.1022,0.3472,0.1378,0.2282]],"eigenvalues":[[-1.000005899,0.0],[0.004490821,0.93306344],[0.004490821,-0.93306344],[0.696150616,0.380454422],[0.696150616,-0.380454422],[0.299223025,0.0]],"sigma":2.05807248},
      "Orthogonal": {"U":[[-0.2084,-0.1551,-0.4105,0.6759,0.4231,0.3581],[0.429,-0.0101,-0.1177,0.4679,-0.7544,0.1185],[0.5743,-0.1859,-0.1886,0.1571,0.3502,-0.6729],[-0.4107,-0.7219,-0.3422,-0.1668,-0.3144,-0.2577],[-0.1391,0.5899,-0.7421,-0.1901,-0.1173,-0.1791],[0.5047,-0.2687,-0.3379,-0.4854,0.1292,0.5537]],"eigenvalues":[[-1.000017443,0.0],[1.000043112,0.0],[-0.126019631,0.992021105],[-0.126019631,-0.992021105],[0.057256797,0.998395381],[0.057256797,-0.998395381]],"sigma":1.000110345},
      "Not normal": {"U":[[1.0,1.5,0.0,0.0,0.0,0.0],[0.0,0.9,1.5,0.0,0.0,0.0],[0.0,0.0,0.8,1.5,0.0,0.0],[0.0,0.0,0.0,0.7,1.5,0.0],[0.0,0.0,0.0,0.0,0.6,1.5],[0.0,0.0,0.0,0.0,0.0,0.5]],"eigenvalues":[[1.0,0.0],[0.9,0.0],[0.8,0.0],[0.7,0.0],[0.6,0.0],[0.5,0.0]],"sigma":2.239980119}
    }
  };
  const size = data.x[0].length;
  const sigmoid = (a) => 0.5 + 0.5 * Math.tanh(0.5 * a);
  const kinds = {
    linear: { f: (a) => a, slope: () => 1, steepest: 1 },
    tanh: { f: Math.tanh, slope: (y) => 1 - y * y, steepest: 1 },
    sigmoid: { f: sigmoid, slope: (y) => y * (1 - y), steepest: 0.25 },
    ReLU: { f: (a) => Math.max(a, 0), slope: (y) => (y > 0 ? 1 : 0), steepest: 1 },
  };
  const state = { kind: "tanh", matrix: "Gaussian", gain: 1, T: 40 };

  function run() {
    const { f, slope, steepest } = kinds[state.kind];
    const { U, sigma } = data.matrices[state.matrix];
    const states = [];
    let h = Array(size).fill(0);
    for (const x of data.x.slice(0, state.T)) {
      const before = h;
      h = U.map((row, i) => f(x[i] + state.gain * row.reduce((sum, u, j) => sum + u * before[j], 0)));
      states.push(h);
    }
    let dh = Array(size).fill(1 / Math.sqrt(size));
    const norms = [1];
    for (const y of states.reverse()) {
      const da = dh.map((d, i) => d * slope(y[i]));
      dh = U[0].map((_, j) => state.gain * U.reduce((sum, row, i) => sum + row[j] * da[i], 0));
      norms.push(Math.hypot(...dh));
    }
    const factor = steepest * state.gain * sigma;
    return { norms, factor, bounds: norms.map((_, k) => factor ** k) };
  }

  // ---- the controls

  const sliders = named({
    gain: slider({ label: "Gain (spectral radius)", min: 0.1, max: 3, step: 0.05, value: state.gain, colour: "hidden",
      onchange: (value) => { state.gain = value; draw(); } }),
    T: slider({ label: "Length T", min: 5, max: data.x.length, step: 1, value: state.T, decimals: 0,
      onchange: (value) => { state.T = value; draw(); } }),
  });
  const choices = (key, names) => names.map((name) => button(name, () => { state[key] = name; draw(); }));
  const activations = choices("kind", Object.keys(kinds));
  const matrices = choices("matrix", Object.keys(data.matrices));

  // ---- the picture: the norm over the steps back on a logarithmic axis, and the eigenvalues in the unit circle

  const chart = svg("svg", { class: "u-chart", role: "img", "data-role": "chart",
    "aria-label": "The norm of the gradient over the steps back, on a logarithmic axis, and the eigenvalues of the matrix beside the unit circle; the table below holds the numbers" });
  const room = { left: 44, top: 14, bottom: 206 };
  let width = 640;
  const power = (e) => { const parts = text(0, 0, "10"); parts.append(svg("tspan", { dy: -5, "font-size": 9 }, number(e, 0))); return parts; };

  function draw() {
    const { norms, factor, bounds } = run();
    const wide = width >= 520;
    const right = wide ? width - 268 : width - 66;
    const logs = norms.map((norm) => Math.log10(norm));
    const finite = logs.filter(Number.isFinite);
    const low = Math.max(-40, Math.min(-2, 2 * Math.floor(Math.min(...finite) / 2)));
    const high = Math.min(40, Math.max(2, 2 * Math.ceil(Math.max(...finite) / 2)));
    const column = scale([0, state.T], [room.left, right]);
    const row = scale([low, high], [room.bottom, room.top]);
    const line = (values, attributes) => svg("path", { fill: "none", "stroke-width": 2, ...attributes,
      d: path(values.map((v, k) => [column(k), row(v)]).filter(([, y]) => Number.isFinite(y) && y >= room.top - 1 && y <= room.bottom + 1)) });
    const pace = Math.max(1, Math.ceil((high - low) / 8));
    const ticks = [];
    for (let e = Math.ceil(low / pace) * pace; e <= high; e += pace) {
      const label = power(e);
      label.setAttribute("transform", `translate(${room.left - 8} ${row(e)})`);
      label.setAttribute("text-anchor", "end");
      ticks.push(svg("line", { x1: room.left, x2: right, y1: row(e), y2: row(e), stroke: "var(--u-line)", "stroke-dasharray": e ? "2 4" : "none" }), label);
    }
    const last = Math.min(Math.max(row(Number.isFinite(logs[state.T]) ? logs[state.T] : low), room.top), room.bottom);
    const logBounds = bounds.map((b) => Math.log10(b));
    const inside = logBounds.filter((b) => b >= low && b <= high);
    const end = inside.length - 1;
    const steps = [0, Math.round(state.T / 2), state.T].map((k) => text(column(k), room.bottom + 16, String(k), { "text-anchor": "middle" }));
    chart.setAttribute("viewBox", `0 0 ${width} ${wide ? 240 : 440}`);
    chart.replaceChildren(...ticks, ...steps,
      text(right, room.bottom + 31, "steps back k", { "text-anchor": "end", class: "u-muted" }),
      line(logBounds, { stroke: "var(--u-muted)", "stroke-dasharray": "4 3", "stroke-width": 1.5 }),
      line(logs, { stroke: "var(--u-gradient)" }),
      text(right + 6, last, "gradient", { class: "u-gradient" }),
      text(column(Math.max(end, 0)) + 5, Math.min(row(inside[end] ?? 0) + (factor > 1 ? 8 : -10), room.bottom - 8), "bound", { class: "u-muted" }),
      ...circle(wide ? width - 96 : width / 2, wide ? 112 : 338, wide ? 84 : 86));
    write(norms, factor, bounds);
    publish(figure, { ...state, norms, bounds, factor, U: data.matrices[state.matrix].U, x: data.x.slice(0, state.T),
      eigenvalues: data.matrices[state.matrix].eigenvalues.map(([re, im]) => [state.gain * re, state.gain * im]),
      sigma: state.gain * data.matrices[state.matrix].sigma });
  }

  function circle(cx, cy, reach) {
    const unit = reach / Math.max(1.15, 1.08 * state.gain);
    const dots = data.matrices[state.matrix].eigenvalues.map(([re, im]) => svg("circle", { "data-value": "eigenvalue",
      cx: cx + unit * state.gain * re, cy: cy - unit * state.gain * im, r: 4, fill: "var(--u-hidden)" }));
    return [svg("line", { x1: cx - reach, x2: cx + reach, y1: cy, y2: cy, stroke: "var(--u-line)" }),
      svg("line", { x1: cx, x2: cx, y1: cy - reach, y2: cy + reach, stroke: "var(--u-line)" }),
      svg("circle", { cx, cy, r: unit, fill: "none", stroke: "var(--u-muted)", "stroke-dasharray": "4 3" }), ...dots,
      text(cx, cy + reach + 12, "eigenvalues, unit circle", { "text-anchor": "middle", class: "u-muted" })];
  }

  // ---- the numbers: one line in words, and a table

  const sums = sentences("left", "matrix");
  const table = readout("Norm and bound, step by step", ["steps back k", "norm", "bound"]);
  const tell = announcer(stage);

  /** Three digits, and a power of ten where the number is large or small. */
  function digits(value) {
    if (value === 0) return "0";
    const e = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
    if (e >= -3 && e < 4) return number(value, Math.max(0, 2 - e));
    return `${number(value / 10 ** e, 2)}e${number(e, 0)}`;
  }

  function write(norms, factor, bounds) {
    const { T, gain, matrix } = state;
    const peak = Math.max(...norms);
    const walk = `After ${T} steps back the norm is ${digits(norms[T])}, at most ${digits(bounds[T])} was possible; its largest value on the way was ${digits(peak)}.`;
    sums.show([walk, `Spectral radius ${number(gain, 2)}, largest singular value ${number(gain * data.matrices[matrix].sigma)}, bound per step ${number(factor)}.`]);
    table.show(norms.map((norm, k) => [String(k), digits(norm), digits(bounds[k])]));
    mark(activations, (name) => name === state.kind);
    mark(matrices, (name) => name === state.matrix);
    tell(walk);
  }

  stage.prepend(
    html("div", { class: "u-buttons" }, ...activations), html("div", { class: "u-buttons" }, ...matrices),
    html("div", { class: "u-controls" }, sliders.gain.node, sliders.T.node),
    chart, html("div", { "data-role": "sums" }, ...sums.nodes), table.node,
  );
  onWidth(stage, chart, (next) => { width = next; draw(); });
  draw();
});
