/* One LSTM cell over sixteen steps. The reader sets, step by step, what comes in and how far each gate is open.
 *
 * A setting is the pre-activation a: i = σ(a_i), f = σ(a_f), o = σ(a_o), g = tanh(a_g). Then c = f c + i g and
 * h = o tanh(c), from c = 0. Nothing leads from h back to the gates here, so that the gates are the reader's alone, and
 * what a change of c at step t is worth at the last step is the product of the forget gates after t.
 */
unrolled.figure("cell", (stage, figure) => {
  "use strict";
  const { html, svg, number, signed, slider, named, button, mark, sentences, readout, tracks, pressed, onWidth, announcer, publish } = unrolled;

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
  const sliders = named({
    t: slider({ label: "Step t", min: 0, max: T - 1, step: 1, value: state.t, decimals: 0, onchange: (value) => { state.t = value; draw(); } }),
    ...Object.fromEntries(Object.entries(settings).map(([gate, how]) => [gate, setting(gate, how)])),
  });

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
  let width = 640;
  const columns = () => tracks({ steps: T, left: 26, width });

  function draw() {
    const steps = run();
    choosing = true;
    for (const gate of Object.keys(settings)) sliders[gate].value = state.a[gate][state.t];
    choosing = false;
    const each = (key) => steps.map((k) => k[key]);
    const { name, chosen, marks, bars, gates, line } = columns();
    chart.setAttribute("viewBox", `0 0 ${width} 374`);
    chart.replaceChildren(
      chosen(state.t, 344),
      name(row.g, "g", "input"), name(row.i, "i", "gate"), name(row.f, "f", "gate"), name(row.o, "o", "gate"), name(row.c, "c", "cell"), name(row.h, "h", "hidden"), name(row.left - 12, "dc", "gradient"),
      ...bars("g", each("g"), row.g, 24, "input"), ...["i", "f", "o"].flatMap((key) => gates(key, each(key), row[key])),
      ...line("c", each("c"), row.c, 40, "cell"), ...line("h", each("h"), row.h, 28, "hidden"),
      ...bars("left", each("left"), row.left, 24, "gradient"),
      ...marks([0, 4, 8, 12, 15].filter((t) => width > 420 || t !== 12), row.t + 6));
    write(steps);
    publish(figure, { t: state.t, name: state.name, a: state.a, ...Object.fromEntries(["i", "f", "o", "g", "c", "h", "left"].map((key) => [key, each(key)])) });
  }

  // ---- the numbers: the chosen step in words, and a table

  const lines = sentences("gates", "c", "h", "left");
  const table = readout("Gates and states, step by step", ["step t", "i", "f", "o", "g", "c", "h", "dc at the end"]);
  const tell = announcer(stage);

  function write(steps) {
    const k = steps[state.t];
    const said = [
      `Step ${state.t}: i = ${number(k.i)}, f = ${number(k.f)}, o = ${number(k.o)}, g = ${number(k.g)}`,
      `c = f × c before + i × g = ${number(k.f)} × ${signed(k.before)} + ${number(k.i)} × ${signed(k.g)} = ${number(k.c)}`,
      `h = o × tanh(c) = ${number(k.o)} × ${signed(Math.tanh(k.c))} = ${number(k.h)}`,
      `Of a change of c at this step, ${number(k.left)} is left at step ${T - 1}`,
    ];
    lines.show(said);
    table.show(steps.map((each, t) => [String(t), ...["i", "f", "o", "g", "c", "h", "left"].map((key) => number(each[key]))]));
    mark(kinds, (name) => name === state.name);
    tell(said.slice(1, 3).join(". "));
  }

  chart.addEventListener("click", (event) => {
    sliders.t.value = columns().step(pressed(chart, event)[0]);
  });

  stage.prepend(
    html("div", { class: "u-buttons" }, ...kinds),
    chart, html("div", { "data-role": "sums", style: "min-height: 7.5rem" }, ...lines.nodes),
    html("div", { class: "u-controls", style: "grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr))" },
      ...Object.values(sliders).map((control) => control.node)),
    html("div", { class: "u-buttons" }, later),
    table.node,
  );
  onWidth(stage, chart, (next) => { width = next; draw(); });
  draw();
});
