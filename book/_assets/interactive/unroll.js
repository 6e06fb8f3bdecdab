/* The unroll player: a neuron's loop, run one step at a time, lays down one layer of a chain for each step.
 *
 * h_t = tanh(w x_t + u h_{t-1}), h before the first step is 0. Every edge carries the number that runs along it. The
 * reader goes forward and back, lets it play, and changes the length T: the program above the chain stays as it is.
 */
unrolled.figure("unroll", (stage, figure) => {
  "use strict";
  const { html, svg, scale, tip, number, signed, slider, named, button, player, readout, pressed, onWidth, announcer, publish } = unrolled;

  const longest = 8;
  const pause = 900;
  const signals = {
    "One impulse": [1, 0, 0, 0, 0, 0, 0, 0],
    "A step": [1, 1, 1, 1, 0, 0, 0, 0],
    "Sunspots from 1700": [0.05, 0.11, 0.16, 0.23, 0.36, 0.58, 0.29, 0.2], // hundreds
  };
  const state = { T: 5, done: 1, w: 1, u: 0.5, x: signals["One impulse"] };

  function run() {
    let h = 0;
    return state.x.slice(0, state.T).map((x) => {
      const wx = state.w * x;
      const uh = state.u * h;
      h = Math.tanh(wx + uh);
      return { x, wx, uh, a: wx + uh, h };
    });
  }

  // ---- the controls

  const sliders = named({
    T: slider({ label: "Length T", min: 1, max: longest, step: 1, value: state.T, decimals: 0,
      onchange: (value) => { state.T = value; go(state.done); } }),
    w: slider({ label: "Input weight w", min: -2, max: 2, step: 0.05, value: state.w, colour: "input",
      onchange: (value) => { state.w = value; draw(); } }),
    u: slider({ label: "Recurrent weight u", min: -2, max: 2, step: 0.05, value: state.u, colour: "hidden",
      onchange: (value) => { state.u = value; draw(); } }),
  });

  function go(done) {
    state.done = Math.min(Math.max(done, 0), state.T);
    if (state.done === state.T) play.stop();
    draw();
    frame.scrollLeft = column(state.done - 1) - room / 2;
  }

  const play = player({ pause, begin: () => { state.done %= state.T; }, step: () => go(state.done + 1), onchange: () => draw() });
  const byHand = (move) => () => { play.stop(); move(); };
  const start = button("To the start", byHand(() => go(0)));
  const back = button("Step back", byHand(() => go(state.done - 1)));
  const forward = button("Step forward", byHand(() => go(state.done + 1)));
  const inputs = Object.entries(signals).map(([name, x]) => button(name, () => { state.x = x; draw(); }));

  // ---- the program: three lines that do not change

  const lines = ["h = 0", "for x_t in x:", "    h = tanh(w * x_t + u * h)"].map((text) =>
    html("span", { style: "display: block; padding: 0 0.5em; border-left: 3px solid transparent" }, text));
  const program = html("pre", { "data-role": "program", style: "margin: 0.4rem 0; padding: 0.4rem 0; background: none; color: inherit" }, ...lines);

  // ---- the chain: one column a step

  const chart = svg("svg", { class: "u-chart", role: "img", "data-role": "chart", style: "cursor: pointer",
    "aria-label": "The chain of the steps done so far, with the number on every edge; the table below holds the numbers" });
  const row = { h: 16, node: 92, x: 172, t: 196 };
  const height = 208;
  const left = 46;
  const narrowest = 50; // narrower columns would let the numbers run into one another: then the chain is scrolled
  let room = 640;
  let width = 640;
  const frame = html("div", { tabindex: 0, role: "region", "aria-label": "The chain of steps", style: "overflow-x: auto" }, chart);
  const pitch = () => (width - left - 10) / state.T;
  const column = (t) => left + (t + 0.5) * Math.min(pitch(), 92);
  const digits = () => (pitch() < 56 ? 2 : 3);

  const text = (x, y, content, attributes) =>
    unrolled.text(x, y, content, { "text-anchor": "middle", ...attributes });
  const edge = (d, colour) => svg("path", { d, fill: "none", stroke: `var(--u-${colour})`, "stroke-width": 2 });

  function step(k, t, half) {
    const at = column(t);
    const before = t ? column(t - 1) + half : 8;
    const small = { "font-size": digits() === 2 ? 11 : 12 };
    return svg("g", { "data-step": t },
      edge(`M${at} ${row.x - 10}V${row.node + 17}`, "input"), tip(at, row.node + 16, -90, "input"),
      edge(`M${before} ${row.node}H${at - half}`, "hidden"), tip(at - half, row.node, 0, "hidden"),
      edge(`M${at} ${row.node - 16}V${row.h + 12}`, "hidden"), tip(at, row.h + 11, -90, "hidden"),
      svg("rect", { x: at - half, y: row.node - 16, width: 2 * half, height: 32, rx: 6, fill: "none",
        stroke: t === state.done - 1 ? "var(--u-ink)" : "var(--u-muted)", "stroke-width": t === state.done - 1 ? 2.5 : 1.2 }),
      half > 17 ? text(at, row.node, "tanh", { class: "u-ink", ...small }) : null,
      text(at, row.x, number(k.x, 2), { class: "u-input", "data-value": "x", ...small }),
      text(at + 5, row.node + 40, number(k.wx, digits()), { class: "u-input", "text-anchor": "start", "data-value": "wx", ...small }),
      text((before + at - half) / 2, row.node - 26, number(k.uh, digits()), { class: "u-hidden", "data-value": "uh", ...small }),
      text(at, row.h, number(k.h, digits()), { class: "u-hidden", "data-value": "h", "font-weight": 600, ...small }),
      text(at, row.t, `t = ${t}`, { class: "u-muted", "font-size": 11 }));
  }

  function waiting(t, half) {
    return svg("g", { opacity: 0.55 },
      svg("rect", { x: column(t) - half, y: row.node - 16, width: 2 * half, height: 32, rx: 6, fill: "none", stroke: "var(--u-muted)", "stroke-dasharray": "3 4" }),
      text(column(t), row.x, number(state.x[t], 2), { class: "u-input", "font-size": 11 }));
  }

  function draw() {
    const steps = run();
    width = Math.max(room, left + 10 + state.T * narrowest);
    chart.style.width = width > room ? `${width}px` : "100%";
    chart.style.maxWidth = "none";
    const half = Math.min(24, Math.min(pitch(), 92) * 0.26);
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.replaceChildren(
      ...steps.map((k, t) => (t < state.done ? step(k, t, half) : waiting(t, half))),
      text(8, row.node + 14, "0", { class: "u-hidden", "text-anchor": "start", "font-size": 11 }));
    write(steps);
    publish(figure, { T: state.T, done: state.done, w: state.w, u: state.u, playing: play.playing,
      x: steps.map((k) => k.x), wx: steps.map((k) => k.wx), uh: steps.map((k) => k.uh), a: steps.map((k) => k.a), h: steps.map((k) => k.h) });
  }

  // ---- the numbers: the step just done by hand, and a table of all done

  const sum = html("p", { class: "u-sum", "data-role": "sum" });
  const table = readout("The numbers on the edges, step by step", ["step t", "x", "w x", "u h before", "sum a", "h"]);
  const tell = announcer(stage);

  function write(steps) {
    const t = state.done - 1;
    const active = state.done === 0 ? 0 : 2;
    lines.forEach((line, k) => { line.style.borderLeftColor = k === active ? "var(--u-hidden)" : "transparent"; });
    const k = steps[t];
    sum.textContent = k
      ? `Step ${t}: h = tanh(${signed(state.w, 2)} × ${signed(k.x, 2)} + ${signed(state.u, 2)} × ${signed(t ? steps[t - 1].h : 0, 3)}) = tanh(${number(k.a)}) = ${number(k.h)}`
      : "Nothing has been read yet: h = 0. Press Step forward.";
    table.show(steps.slice(0, state.done).map((each, j) =>
      [String(j), number(each.x, 2), number(each.wx), number(each.uh), number(each.a), number(each.h)]));
    start.disabled = back.disabled = state.done === 0;
    forward.disabled = state.done === state.T;
    tell(k ? `Step ${t} of ${state.T} done: h is ${number(k.h)}.` : "At the start: no step done.");
  }

  // ---- the mouse: click a column to run up to it

  chart.addEventListener("click", (event) => {
    const t = Math.round(scale([column(0), column(1)], [0, 1])(pressed(chart, event)[0]));
    play.stop();
    go(Math.min(Math.max(t, 0), state.T - 1) + 1);
  });

  stage.prepend(
    program,
    html("div", { class: "u-buttons" }, start, back, forward, play.node),
    frame, sum,
    html("div", { class: "u-controls", style: "grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr))" },
      sliders.T.node, sliders.w.node, sliders.u.node),
    html("div", { class: "u-buttons" }, ...inputs),
    table.node,
  );
  onWidth(stage, frame, (next) => { room = next; draw(); });
  draw();
});
