/* The way back: a neuron has run forward over T steps; the reader takes its loss back through them, one step at a time.
 *
 * h_t = tanh(w x_t + u h_{t-1}), h before the first step is 0. The loss is half the squared distance of a state from the
 * target, at the last step or at every one. Going back, dh = dy + u da of the step after, da = dh (1 - h²), and the step
 * adds da h_before to dL/du and da x to dL/dw.
 */
unrolled.figure("bptt", (stage, figure) => {
  "use strict";
  const { html, svg, scale, tip, number, signed, slider, named, button, mark, player, sentences, readout, pressed, onWidth, announcer, publish } = unrolled;

  const longest = 6;
  const pause = 1100;
  const signals = {
    "One impulse": [1, 0, 0, 0, 0, 0],
    "A step": [1, 1, 1, 1, 1, 1],
    "Alternating": [1, -1, 1, -1, 1, -1],
  };
  const state = { T: 5, done: 0, w: 1, u: 0.8, target: 1, every: false, x: signals["One impulse"] };

  function run() {
    const { T, w, u, target, every } = state;
    const steps = [];
    let h = 0;
    for (const x of state.x.slice(0, T)) {
      const before = h;
      h = Math.tanh(w * x + u * before);
      steps.push({ x, before, h });
    }
    let next = 0;
    for (let t = T - 1; t >= 0; t -= 1) {
      const k = steps[t];
      k.dy = every || t === T - 1 ? k.h - target : 0;
      k.next = next;
      k.dh = k.dy + next;
      k.da = k.dh * (1 - k.h * k.h);
      k.partU = k.da * k.before;
      k.partW = k.da * k.x;
      next = u * k.da;
    }
    return steps;
  }

  // ---- the controls

  const weight = (name, label, colour, min, max) => slider({ label, min, max, step: 0.05, value: state[name], colour,
    onchange: (value) => { state[name] = value; draw(); } });
  const sliders = named({
    T: slider({ label: "Length T", min: 1, max: longest, step: 1, value: state.T, decimals: 0,
      onchange: (value) => { state.T = value; go(state.done); } }),
    w: weight("w", "Weight w", "input", -2, 2),
    u: weight("u", "Weight u", "hidden", -2, 2),
    target: weight("target", "Target", "output", -1, 1),
  });

  function go(done) {
    state.done = Math.min(Math.max(done, 0), state.T);
    if (state.done === state.T) play.stop();
    draw();
  }

  const play = player({ pause, begin: () => { state.done %= state.T; }, step: () => go(state.done + 1), onchange: () => draw() });
  const byHand = (move) => () => { play.stop(); move(); };
  const restart = button("Start again", byHand(() => go(0)));
  const undo = button("Undo a step", byHand(() => go(state.done - 1)));
  const back = button("Go back a step", byHand(() => go(state.done + 1)));
  const losses = { "Loss at the end": false, "Loss at every step": true };
  const kinds = Object.entries(losses).map(([name, every]) => button(name, () => { state.every = every; draw(); }));
  const inputs = Object.entries(signals).map(([name, x]) => button(name, () => { state.x = x; draw(); }));

  // ---- the picture: one column a step, forward in green, back in pink

  const chart = svg("svg", { class: "u-chart", role: "img", "data-role": "chart", style: "cursor: pointer",
    "aria-label": "The steps of the neuron, the gradients on the way back, and each step's share; the table below holds the numbers" });
  const row = { h: 14, dh: 36, node: 70, next: 101, da: 121, x: 143, zero: 196, part: 236, t: 256 };
  const height = 268;
  const left = 50;
  let width = 640;
  const pitch = () => Math.min((width - left - 4) / state.T, 112);
  const column = (t) => left + (t + 0.5) * pitch();
  const digits = () => (pitch() < 50 ? 2 : 3);
  const size = () => (pitch() < 62 ? 11 : 12);

  const text = (x, y, content, attributes) =>
    unrolled.text(x, y, content, { "text-anchor": "middle", "font-size": size(), ...attributes });
  const edge = (from, to, y, colour) => {
    const way = Math.sign(to - from);
    return [svg("path", { d: `M${from} ${y}H${to - 2 * way}`, fill: "none", stroke: `var(--u-${colour})`, "stroke-width": 2 }),
      tip(to, y, way > 0 ? 0 : 180, colour)];
  };

  function forward(k, t, half) {
    const at = column(t);
    const before = t ? column(t - 1) + half : left - 14;
    return [...edge(before, at - half, row.node - 6, "hidden"),
      svg("rect", { x: at - half, y: row.node - 17, width: 2 * half, height: 34, rx: 6, fill: "none", stroke: "var(--u-muted)" }),
      half > 17 ? text(at, row.node, "tanh", { class: "u-ink" }) : null,
      text(at, row.h, number(k.h, digits()), { class: "u-hidden", "data-value": "h" }),
      text(at, row.x, number(k.x, digits() - 1), { class: "u-input", "data-value": "x" }),
      text(at, row.t, `t = ${t}`, { class: "u-muted", "font-size": 11 })];
  }

  function backward(k, t, half, bar) {
    const at = column(t);
    const before = t ? column(t - 1) + half : left - 14;
    const chosen = t === state.T - state.done;
    const end = row.zero - bar(k.partU);
    return [...edge(at - half, before, row.node + 7, "gradient"),
      text((at - half + before) / 2, row.next, number(state.u * k.da, digits()), { class: "u-gradient", "data-value": "next", "font-size": 11 }),
      text(at, row.dh, number(k.dh, digits()), { class: "u-gradient", "data-value": "dh", "font-weight": chosen ? 700 : 400 }),
      text(at, row.da, number(k.da, digits()), { class: "u-gradient", "data-value": "da", "font-weight": chosen ? 700 : 400 }),
      svg("rect", { x: at - half * 0.7, width: half * 1.4, y: Math.min(end, row.zero), height: Math.max(Math.abs(end - row.zero), 1), fill: "var(--u-gradient)", opacity: chosen ? 1 : 0.5 }),
      text(at, row.part, number(k.partU, digits()), { class: "u-gradient", "data-value": "part", "font-weight": chosen ? 700 : 400 })];
  }

  function draw() {
    const steps = run();
    const half = Math.min(24, pitch() * 0.26);
    const largest = Math.max(...steps.map((k) => Math.abs(k.partU)), 1e-9);
    const bar = scale([-largest, largest], [-24, 24]);
    const name = (y, content, colour) => text(2, y, content, { class: `u-${colour}`, "text-anchor": "start" });
    const walked = steps.map((k, t) => (t >= state.T - state.done ? backward(k, t, half, bar) : []));
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.replaceChildren(
      name(row.h, "h", "hidden"), name(row.dh, "dh", "gradient"), name(row.da, "da", "gradient"), name(row.x, "x", "input"),
      name(row.part, "share", "gradient"),
      svg("line", { x1: left - 4, x2: column(state.T - 1) + pitch() / 2, y1: row.zero, y2: row.zero, stroke: "var(--u-line)" }),
      ...steps.flatMap((k, t) => forward(k, t, half)).filter(Boolean), ...walked.flat());
    write(steps);
    const all = (key) => steps.map((k) => k[key]);
    publish(figure, { T: state.T, done: state.done, w: state.w, u: state.u, target: state.target, every: state.every,
      playing: play.playing, x: all("x"), h: all("h"), dy: all("dy"), next: all("next"), dh: all("dh"), da: all("da"),
      partU: all("partU"), partW: all("partW"), dU: total(steps, "partU"), dW: total(steps, "partW") });
  }

  const total = (steps, key) => steps.slice(state.T - state.done).reduce((sum, k) => sum + k[key], 0);

  // ---- the numbers: the step just taken by hand, the sums so far, and a table

  const lines = sentences("dh", "da", "part", "sum");
  const table = readout("The gradients, step by step", ["step t", "h", "dy", "from t + 1", "dh", "da", "share of u", "share of w"]);
  const tell = announcer(stage);

  function write(steps) {
    const t = state.T - state.done;
    const k = steps[t];
    const sums = `So far dL/du = ${number(total(steps, "partU"))} and dL/dw = ${number(total(steps, "partW"))}`;
    const text = k
      ? [`Step ${t}: dh = ${signed(k.dy)} from its own loss + ${signed(k.next)} from step ${t + 1} = ${number(k.dh)}`,
        `da = ${signed(k.dh)} × (1 − ${signed(k.h)}²) = ${number(k.da)}`,
        `It adds da × h before = ${signed(k.da)} × ${signed(k.before)} = ${number(k.partU)} to dL/du`, sums]
      : ["The neuron has run forward. Press Go back a step.", "", "", sums];
    if (k && t === state.T - 1) text[0] = `Step ${t}: dh = ${signed(k.dy)} from its own loss, and nothing comes after it: ${number(k.dh)}`;
    lines.show(text);
    table.show(steps.map((each, j) => [String(j), ...["h", "dy", "next", "dh", "da", "partU", "partW"].map((key) => number(each[key]))]).slice(t).reverse());
    mark(kinds, (name) => losses[name] === state.every);
    mark(inputs, (name) => signals[name] === state.x);
    restart.disabled = undo.disabled = state.done === 0;
    back.disabled = state.done === state.T;
    tell(k ? `Gone back to step ${t}: its share is ${number(k.partU)}. ${sums}.` : "Nothing gone back yet.");
  }

  // ---- the mouse: click a column to go back as far as that

  chart.addEventListener("click", (event) => {
    const t = Math.floor((pressed(chart, event)[0] - left) / pitch());
    play.stop();
    go(state.T - Math.min(Math.max(t, 0), state.T - 1));
  });

  stage.prepend(
    html("div", { class: "u-buttons" }, back, undo, restart, play.node),
    chart, html("div", { "data-role": "sums", style: "min-height: 7.5rem" }, ...lines.nodes),
    html("div", { class: "u-buttons" }, ...kinds),
    html("div", { class: "u-controls", style: "grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr))" },
      ...Object.values(sliders).map((control) => control.node)),
    html("div", { class: "u-buttons" }, ...inputs),
    table.node,
  );
  onWidth(stage, chart, (next) => { width = next; draw(); });
  draw();
});
