/* One LSTM cell over sixteen steps. The reader sets, step by step, what comes in and how far each gate is open.
 *
 * A setting is the pre-activation a: i = σ(a_i), f = σ(a_f), o = σ(a_o), g = tanh(a_g). Then c = f c + i g and
 * h = o tanh(c), from c = 0. Nothing leads from h back to the gates here, so that the gates are the reader's alone, and
 * what a change of c at step t is worth at the last step is the product of the forget gates after t.
 */
unrolled.figure("cell", (stage, figure) => {
  "use strict";
  const { html, svg, scale, path, number, slider, button, announcer, publish } = unrolled;

  const T = 16;
  const heard = [0.3, -0.8, 1.5, -0.4, 0.9, -1.2, 0.2, -0.6, 1.1, -1.5, 0.5, -0.3, 0.8, -1.0, 0.4, -0.7];
  const all = (a) => Array(T).fill(a);
  const at = (where, open, rest) => all(rest).map((a, t) => (where.includes(t) ? open : a));
  const presets = {
    "Store, hold, show": { i: at([2], 6, -6), f: all(6), o: at([12], 6, -6) },
    "Forget at step 8": { i: at([2, 10], 6, -6), f: at([8], -6, 6), o: at([6, 9, 14], 6, -6) },
    "All gates open": { i: all(6), f: all(6), o: all(6) },
    "As it comes": { i: all(0), f: all(0), o: all(0) },
  };
  const state = { t: 2, name: "Store, hold, show", a: null };
  const load = (name) => {
    state.name = name;
    state.a = { ...Object.fromEntries(Object.entries(presets[name]).map(([gate, a]) => [gate, [...a]])), g: [...heard] };
  };
  load(state.name);

  const sigmoid = (a) => 0.5 + 0.5 * Math.tanh(0.5 * a);

  function run() {
    const steps = [];
    let c = 0;
    for (let t = 0; t < T; t += 1) {
      const [i, f, o] = ["i", "f", "o"].map((gate) => sigmoid(state.a[gate][t]));
      const g = Math.tanh(state.a.g[t]);
      const before = c;
      c = f * before + i * g;
      steps.push({ i, f, o, g, before, c, h: o * Math.tanh(c) });
    }
    let left = 1;
    for (let t = T - 1; t >= 0; t -= 1) {
      steps[t].left = left;
      left *= steps[t].f;
    }
    return steps;
  }

  // ---- the controls: a step, and what is set at it

  const settings = { g: ["Input", "input", 3], i: ["Input gate", "gate", 8], f: ["Forget gate", "gate", 8], o: ["Output gate", "gate", 8] };
  let choosing = false;
  const setting = (gate, [label, colour, most]) => slider({ label, colour, min: -most, max: most, step: 0.1, decimals: 1, value: state.a[gate][state.t],
    onchange: (value) => { if (choosing) return; state.a[gate][state.t] = value; state.name = null; draw(); } });
  const sliders = {
    t: slider({ label: "Step t", min: 0, max: T - 1, step: 1, value: state.t, decimals: 0, onchange: (value) => { state.t = value; draw(); } }),
    ...Object.fromEntries(Object.entries(settings).map(([gate, how]) => [gate, setting(gate, how)])),
  };
  for (const [name, control] of Object.entries(sliders)) control.input.dataset.control = name;

  const later = button("The same gates from here on", () => {
    for (const gate of ["i", "f", "o"]) state.a[gate].fill(state.a[gate][state.t], state.t);
    state.name = null;
    draw();
  });
  const kinds = Object.keys(presets).map((name) => button(name, () => { load(name); draw(); }));

  // ---- the picture: one column a step; above what is set, below what the cell makes of it

  const chart = svg("svg", { class: "u-chart", role: "img", "data-role": "chart", style: "cursor: pointer",
    "aria-label": "Input, gates, cell state and output over sixteen steps, and what a change of the cell is worth at the last step; the table below holds the numbers" });
  const row = { g: 34, i: 80, f: 104, o: 128, c: 196, h: 272, left: 338, t: 356 };
  const left = 26;
  let width = 640;
  const pitch = () => (width - left - 4) / T;
  const column = (t) => left + (t + 0.5) * pitch();
  const text = (x, y, content, attributes) => svg("text", { x, y, "dominant-baseline": "middle", "text-anchor": "middle", "font-size": 12, ...attributes }, content);

  function bars(steps, key, y, tall, colour) {
    const most = Math.max(1, ...steps.map((k) => Math.abs(k[key])));
    const high = scale([-most, most], [tall, -tall]);
    return [
      svg("line", { x1: left, x2: width - 4, y1: y, y2: y, stroke: "var(--u-line)" }),
      ...steps.map((k, t) => svg("rect", { "data-value": key, x: column(t) - pitch() * 0.3, width: pitch() * 0.6, fill: `var(--u-${colour})`,
        y: Math.min(y, y + high(k[key])), height: Math.max(Math.abs(high(k[key])), 0.5) })),
    ];
  }

  function line(steps, key, y, tall, colour) {
    const most = Math.max(1, ...steps.map((k) => Math.abs(k[key])));
    const high = scale([-most, most], [y + tall, y - tall]);
    return [
      svg("line", { x1: left, x2: width - 4, y1: y, y2: y, stroke: "var(--u-line)" }),
      svg("path", { fill: "none", stroke: `var(--u-${colour})`, "stroke-width": 2, d: path(steps.map((k, t) => [column(t), high(k[key])])) }),
      ...steps.map((k, t) => svg("circle", { "data-value": key, cx: column(t), cy: high(k[key]), r: 3, fill: `var(--u-${colour})` })),
      text(width - 4, y - tall - 9, `±${number(most, 1)}`, { "text-anchor": "end", class: "u-muted", "font-size": 10 }),
    ];
  }

  const gates = (steps, key) => steps.flatMap((k, t) => [
    svg("rect", { x: column(t) - pitch() * 0.42, width: pitch() * 0.84, y: row[key] - 9, height: 18, rx: 3, fill: "none", stroke: "var(--u-gate)" }),
    svg("rect", { "data-value": key, x: column(t) - pitch() * 0.42, width: pitch() * 0.84, y: row[key] + 9 - 18 * k[key], height: 18 * k[key], rx: 3, fill: "var(--u-gate)", opacity: 0.75 }),
  ]);

  function draw() {
    const steps = run();
    choosing = true;
    for (const gate of Object.keys(settings)) sliders[gate].value = state.a[gate][state.t];
    choosing = false;
    const name = (y, content, colour) => text(2, y, content, { class: `u-${colour}`, "text-anchor": "start", "font-style": "italic" });
    const marked = [0, 4, 8, 12, 15].filter((t) => width > 420 || t !== 12).map((t) => text(column(t), row.t + 6, String(t), { class: "u-muted", "font-size": 11 }));
    chart.setAttribute("viewBox", `0 0 ${width} 374`);
    chart.replaceChildren(
      svg("rect", { x: column(state.t) - pitch() / 2, width: pitch(), y: 4, height: 344, rx: 5, fill: "none", stroke: "var(--u-muted)", "stroke-dasharray": "3 3" }),
      name(row.g, "g", "input"), name(row.i, "i", "gate"), name(row.f, "f", "gate"), name(row.o, "o", "gate"), name(row.c, "c", "cell"), name(row.h, "h", "hidden"), name(row.left - 12, "dc", "gradient"),
      ...bars(steps, "g", row.g, 24, "input"), ...gates(steps, "i"), ...gates(steps, "f"), ...gates(steps, "o"),
      ...line(steps, "c", row.c, 40, "cell"), ...line(steps, "h", row.h, 28, "hidden"),
      ...steps.map((k, t) => svg("rect", { "data-value": "left", x: column(t) - pitch() * 0.3, width: pitch() * 0.6, y: row.left - 24 * k.left, height: Math.max(24 * k.left, 0.5), fill: "var(--u-gradient)" })),
      svg("line", { x1: left, x2: width - 4, y1: row.left, y2: row.left, stroke: "var(--u-line)" }),
      ...marked);
    write(steps);
    const each = (key) => steps.map((k) => k[key]);
    publish(figure, { t: state.t, name: state.name, a: state.a, ...Object.fromEntries(["i", "f", "o", "g", "c", "h", "left"].map((key) => [key, each(key)])) });
  }

  // ---- the numbers: the chosen step in words, and a table

  const lines = ["gates", "c", "h", "left"].map((role) => html("p", { class: "u-sum", "data-role": role, style: "margin: 0.25rem 0" }));
  const body = html("tbody", {});
  const heads = ["step t", "i", "f", "o", "g", "c", "h", "dc at the end"];
  const table = html("details", {}, html("summary", {}, "Every step as a table"),
    html("div", { class: "u-scroll", tabindex: 0, role: "region", "aria-label": "Gates and states, step by step" },
      html("table", { class: "u-readout" }, html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))), body)));
  const tell = announcer(stage);
  const signed = (value) => (value < 0 ? `(${number(value)})` : number(value));

  function write(steps) {
    const k = steps[state.t];
    const said = [
      `Step ${state.t}: i = ${number(k.i)}, f = ${number(k.f)}, o = ${number(k.o)}, g = ${number(k.g)}`,
      `c = f × c before + i × g = ${number(k.f)} × ${signed(k.before)} + ${number(k.i)} × ${signed(k.g)} = ${number(k.c)}`,
      `h = o × tanh(c) = ${number(k.o)} × ${signed(Math.tanh(k.c))} = ${number(k.h)}`,
      `Of a change of c at this step, ${number(k.left)} is left at step ${T - 1}`,
    ];
    lines.forEach((line, j) => { line.textContent = said[j]; });
    body.replaceChildren(...steps.map((each, t) => html("tr", {}, html("td", {}, String(t)),
      ...["i", "f", "o", "g", "c", "h", "left"].map((key) => html("td", {}, number(each[key]))))));
    kinds.forEach((kind) => kind.setAttribute("aria-pressed", String(kind.textContent === state.name)));
    tell(said.slice(1, 3).join(". "));
  }

  chart.addEventListener("click", (event) => {
    const box = chart.getBoundingClientRect();
    const t = Math.floor((((event.clientX - box.left) * width) / box.width - left) / pitch());
    sliders.t.value = Math.min(Math.max(t, 0), T - 1);
  });

  stage.prepend(
    html("div", { class: "u-buttons" }, ...kinds),
    chart, html("div", { "data-role": "sums", style: "min-height: 7.5rem" }, ...lines),
    html("div", { class: "u-controls", style: "grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr))" },
      ...Object.values(sliders).map((control) => control.node)),
    html("div", { class: "u-buttons" }, later),
    table,
  );
  new ResizeObserver(() => {
    const next = Math.max(280, Math.round(chart.clientWidth || 640));
    if (next !== width) { width = next; draw(); }
  }).observe(stage);
  draw();
});
