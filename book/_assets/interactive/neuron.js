/* One recurrent neuron: the reader moves its weights and its input and watches the output over time.
 *
 * h_t = tanh(w x_t + u h_{t-1} + b), h before the first step is 0. The grey line is the same neuron without its loop.
 */
unrolled.figure("neuron", (stage, figure) => {
  "use strict";
  const { html, svg, scale, path, text, number, signed, slider, named, button, readout, pressed, onWidth, announcer, publish } = unrolled;

  const T = 20;
  const signals = {
    "One impulse": (t) => (t === 2 ? 1 : 0),
    "A step": (t) => (t >= 2 && t < 12 ? 1 : 0),
    "Set, then reset": (t) => (t === 2 ? 1 : t === 11 ? -1 : 0),
    "Alternating": (t) => (t % 2 ? -0.5 : 0.5),
    "Silence": () => 0,
  };
  const state = { w: 1, u: 0.9, b: 0, t: 4, x: Array.from({ length: T }, (_, t) => signals["One impulse"](t)) };

  function run(u) {
    let h = 0;
    return state.x.map((x) => (h = Math.tanh(state.w * x + u * h + state.b)));
  }

  // ---- the controls

  const weight = (name, label, min, max, colour) => slider({
    label, min, max, step: 0.05, value: state[name], colour,
    onchange: (value) => { state[name] = value; draw(); },
  });
  const sliders = named({
    w: weight("w", "Input weight w", -2, 2, "input"),
    u: weight("u", "Recurrent weight u", -2, 2, "hidden"),
    b: weight("b", "Bias b", -1, 1, null),
    t: slider({ label: "Step t", min: 0, max: T - 1, step: 1, value: state.t, decimals: 0, onchange: select }),
    x: slider({ label: "Input at this step", min: -1, max: 1, step: 0.05, value: state.x[state.t], colour: "input",
      onchange: (value) => { state.x[state.t] = value; draw(); } }),
  });

  function select(t) {
    state.t = t;
    sliders.x.value = state.x[t];
  }

  const buttons = Object.entries(signals).map(([name, signal]) => button(name, () => {
    state.x = state.x.map((_, t) => signal(t));
    sliders.x.value = state.x[state.t];
  }));

  // ---- the picture: input above, output below, one column a step

  const chart = svg("svg", { class: "u-chart", role: "img", style: "touch-action: pan-y; cursor: ns-resize", "data-role": "chart",
    "aria-label": "The input and the output of the neuron at each step; the table below holds the numbers" });
  const above = { top: 16, bottom: 84 };
  const below = { top: 108, bottom: 236 };
  const height = 262;
  const left = 30;
  let width = 640;
  const column = (t) => scale([0, T - 1], [left + 14, width - 74])(t);
  const rowX = scale([-1, 1], [above.bottom, above.top]);
  const rowH = scale([-1, 1], [below.bottom, below.top]);

  const rule = (y, attributes) => svg("line", { x1: left, x2: width - 66, y1: y, y2: y, stroke: "var(--u-line)", ...attributes });

  function axes() {
    const ticks = (row) => [-1, 0, 1].map((v) => [rule(row(v), v ? { "stroke-dasharray": "2 4" } : {}),
      text(left - 6, row(v), number(v, 0), { "text-anchor": "end" })]);
    const steps = [0, 5, 10, 15].map((t) => text(column(t), height - 10, String(t), { "text-anchor": "middle" }));
    return [ticks(rowX), ticks(rowH), steps, text(column(T - 1), height - 10, "step t", { "text-anchor": "middle" })].flat(2);
  }

  function draw() {
    const h = run(state.u);
    const without = run(0);
    const chosen = column(state.t);
    const stems = state.x.map((x, t) => [
      svg("line", { x1: column(t), x2: column(t), y1: rowX(0), y2: rowX(x), stroke: "var(--u-input)", "stroke-width": 2 }),
      svg("circle", { cx: column(t), cy: rowX(x), r: 3.5, fill: "var(--u-input)" }),
    ]);
    const dots = h.map((v, t) => svg("circle", { cx: column(t), cy: rowH(v), r: 3, fill: "var(--u-hidden)" }));
    const end = column(T - 1) + 8;
    const apart = Math.abs(rowH(h[T - 1]) - rowH(without[T - 1])) < 14;
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.replaceChildren(
      svg("rect", { x: chosen - 7, y: 4, width: 14, height: height - 24, rx: 4, fill: "var(--u-line)", opacity: 0.45 }),
      ...axes(), ...stems.flat(),
      svg("path", { d: path(without.map((v, t) => [column(t), rowH(v)])), fill: "none", stroke: "var(--u-muted)", "stroke-width": 1.5, "stroke-dasharray": "4 3" }),
      svg("path", { d: path(h.map((v, t) => [column(t), rowH(v)])), fill: "none", stroke: "var(--u-hidden)", "stroke-width": 2 }),
      ...dots,
      text(end, rowX(state.x[T - 1]), "input x", { class: "u-input" }),
      text(end, rowH(h[T - 1]) - (apart ? 8 : 0), "output h", { class: "u-hidden" }),
      text(end, rowH(without[T - 1]) + (apart ? 8 : 0), "no loop", { class: "u-muted" }),
    );
    write(h);
    publish(figure, { w: state.w, u: state.u, b: state.b, t: state.t, x: state.x, h, without });
  }

  // ---- the numbers: the chosen step by hand, and a table of all

  const sum = html("p", { class: "u-sum", "data-role": "sum" });
  const squash = html("p", { class: "u-sum", "data-role": "squash" });
  const table = readout("Input and output at every step", ["step t", "input x", "output h"]);
  const tell = announcer(stage);

  function write(h) {
    const { w, u, b, t, x } = state;
    const before = t ? h[t - 1] : 0;
    const a = w * x[t] + u * before + b;
    sum.textContent = `a = ${signed(w, 2)} × ${signed(x[t], 2)} + ${signed(u, 2)} × ${signed(before)} + ${signed(b, 2)} = ${number(a)}`;
    squash.textContent = `h = tanh(${number(a)}) = ${number(h[t])}`;
    table.show(h.map((v, k) => [String(k), number(x[k], 2), number(v)]));
    tell(`Step ${t}: input ${number(x[t], 2)}, output ${number(h[t])}.`);
  }

  // ---- the mouse: drag an input up or down, click below to choose a step

  function point(event) {
    const [x, y] = pressed(chart, event);
    const t = Math.round(scale([column(0), column(T - 1)], [0, T - 1])(x));
    const chosen = Math.min(Math.max(t, 0), T - 1);
    if (chart.dataset.drag === "input") {
      const value = Math.round(scale([above.bottom, above.top], [-1, 1])(y) * 20) / 20;
      state.x[chosen] = Math.min(Math.max(value, -1), 1);
    }
    sliders.t.value = chosen;
  }
  chart.addEventListener("pointerdown", (event) => {
    chart.dataset.drag = pressed(chart, event)[1] < (above.bottom + below.top) / 2 ? "input" : "step";
    chart.setPointerCapture(event.pointerId);
    point(event);
  });
  chart.addEventListener("pointermove", (event) => { if (chart.dataset.drag) point(event); });
  for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, () => delete chart.dataset.drag);

  stage.prepend(
    html("div", { class: "u-controls", style: "grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr))" },
      sliders.w.node, sliders.u.node, sliders.b.node),
    html("div", { class: "u-buttons" }, ...buttons),
    chart,
    html("div", { class: "u-controls" }, sliders.t.node, sliders.x.node),
    html("div", { "data-role": "sums" }, sum, squash),
    table.node,
  );
  onWidth(stage, chart, (next) => { width = next; draw(); });
  draw();
});
