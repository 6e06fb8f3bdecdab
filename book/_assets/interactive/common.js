/* What every interactive figure of the book shares. No library, no request, works from the disk.
 *
 * A figure is one classic script beside this one. The page holds, made by the directive
 * `{interactive} neuron`,
 *
 *     <figure data-interactive="neuron">
 *       <div class="u-stage" hidden></div>      filled by the script, then shown
 *       <div class="u-still"><svg>…</svg></div> seen in print, without scripts, or if the script fails
 *       <figcaption>…</figcaption>
 *     </figure>
 *
 * and the script says
 *
 *     unrolled.figure("neuron", (stage, figure) => { … build inside `stage` … });
 *
 * Numbers that the reader sees are also published with `unrolled.publish(figure, {h: [...]})`, in full
 * precision, as JSON in `figure.dataset.values`: the browser tests compare them, and the text shown,
 * with companion.reference.
 */
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const builders = new Map();

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** An HTML element: html("button", {type: "button", onclick: f}, "Play"). */
  const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

  /** An SVG element: svg("circle", {cx: 3, cy: 4, r: 2, class: "u-hidden"}). */
  const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  /** A linear map from [a, b] to [c, d]: scale([0, 10], [20, 300])(5). */
  const scale = ([a, b], [c, d]) => (value) => c + ((value - a) * (d - c)) / (b - a);

  /** Points [[x, y], …] as the `d` of a path of straight lines. */
  const path = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

  /** A number as the page shows it: fixed decimals, a true minus sign, no minus before zero. */
  function number(value, decimals = 3) {
    if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "not a number";
    const text = Math.abs(value).toFixed(decimals);
    return (value < 0 && Number(text) !== 0 ? "\u2212" : "") + text;
  }

  let serial = 0;

  /**
   * A labelled slider with its value beside it; arrows, Page Up/Down, Home and End come with the element.
   * options: label, min, max, step, value, decimals, colour (a palette letter: "input", "hidden", …), onchange(value).
   * Returns {node, input, get value, set value}.
   */
  function slider({ label, min, max, step, value, decimals = 2, colour = null, onchange }) {
    const id = `u-control-${++serial}`;
    const output = html("output", { for: id, class: "u-slider__value" });
    const input = html("input", { type: "range", id, min, max, step, class: "u-slider__input" });
    const show = () => {
      output.textContent = number(Number(input.value), decimals);
      input.setAttribute("aria-valuetext", output.textContent);
      const share = (Number(input.value) - min) / (max - min);
      input.style.setProperty("--share", `${100 * share}%`);
    };
    input.value = value;
    input.addEventListener("input", () => { show(); onchange(Number(input.value)); });
    show();
    const node = html("div", { class: `u-slider${colour ? ` u-${colour}` : ""}` },
      html("label", { for: id, class: "u-slider__label" }, label), input, output);
    return {
      node, input,
      get value() { return Number(input.value); },
      set value(next) { input.value = next; show(); onchange(Number(input.value)); },
    };
  }

  /** A push button: button("Reset", () => …). */
  const button = (label, onclick) => html("button", { type: "button", class: "u-button", onclick }, label);

  /** Sliders by name, each marked with its name for the tests: named({u: slider(…)}).u.input. */
  function named(sliders) {
    for (const [name, { input }] of Object.entries(sliders)) input.dataset.control = name;
    return sliders;
  }

  /** Show which of some buttons are chosen: those whose label `chosen(label)` is true of. */
  const mark = (buttons, chosen) =>
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(chosen(each.textContent))));

  /**
   * A button that plays and pauses: every `pause` milliseconds it calls step(), and begin() when it starts to play.
   * onchange() is called after either press. Gives {node, playing, stop()}.
   */
  function player({ pause, begin, step, onchange }) {
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      node.textContent = "Play";
    };
    const node = button("Play", () => {
      if (timer) {
        stop();
      } else {
        begin();
        node.textContent = "Pause";
        timer = setInterval(step, pause);
      }
      onchange();
    });
    return { node, stop, get playing() { return timer !== null; } };
  }

  /** A factor of a product as it is written by hand: a number below zero in brackets. */
  const signed = (value, decimals = 3) => (value < 0 ? `(${number(value, decimals)})` : number(value, decimals));

  /** Lines of words below a picture, one a role: sentences("c", "h") gives {nodes, show(texts)}. */
  function sentences(...roles) {
    const nodes = roles.map((role) => html("p", { class: "u-sum", "data-role": role, style: "margin: 0.25rem 0" }));
    return { nodes, show: (texts) => nodes.forEach((node, k) => { node.textContent = texts[k]; }) };
  }

  /**
   * The numbers behind a picture, folded away: readout("Gates, step by step", ["step t", "i"]) gives {node, show(rows)},
   * where rows are lists of texts.
   */
  function readout(label, heads) {
    const row = (tag, attributes, texts) => html("tr", {}, ...texts.map((text) => html(tag, attributes, text)));
    const body = html("tbody", {});
    const node = html("details", {}, html("summary", {}, "Every step as a table"),
      html("div", { class: "u-scroll", tabindex: 0, role: "region", "aria-label": label },
        html("table", { class: "u-readout" }, html("thead", {}, row("th", { scope: "col" }, heads)), body)));
    return { node, show: (rows) => body.replaceChildren(...rows.map((texts) => row("td", {}, texts))) };
  }

  /** Words in a picture, centred on their height. */
  const text = (x, y, content, attributes) => svg("text", { x, y, "dominant-baseline": "middle", ...attributes }, content);

  /** The head of an arrow in a palette colour, its tip at (x, y); turn 0 points right, -90 up. */
  const tip = (x, y, turn, colour) =>
    svg("path", { d: "M-6 -4L0 0L-6 4Z", transform: `translate(${x} ${y}) rotate(${turn})`, fill: `var(--u-${colour})` });

  /** Where a picture was pressed, [x, y] in the units of its viewBox. */
  function pressed(chart, event) {
    const box = chart.getBoundingClientRect();
    const unit = chart.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * unit, (event.clientY - box.top) * unit];
  }

  /** Tell the width that `box` has, whenever the stage changes its size; 640 is what a picture begins with. */
  function onWidth(stage, box, onchange) {
    let width = 640;
    new ResizeObserver(() => {
      const next = Math.max(280, Math.round(box.clientWidth || 640));
      if (next !== width) { width = next; onchange(width); }
    }).observe(stage);
  }

  /**
   * Rows of values over the same steps, one column a step: tracks({ steps, left, width }) knows the middle `at(t)` of a
   * column, the column `step(x)` of a place, and draws a row of values as `bars`, as a `line` or, between 0 and 1, as
   * `gates` that are so far open. The height `y` is that of zero, for gates that of the middle; `key` names the row to the tests.
   */
  function tracks({ steps, left, width }) {
    const right = width - 4;
    const pitch = (right - left) / steps;
    const at = (t) => left + (t + 0.5) * pitch;
    const step = (x) => Math.min(Math.max(Math.floor((x - left) / pitch), 0), steps - 1);
    const most = (values) => Math.max(1, ...values.map(Math.abs));
    const zero = (y) => svg("line", { x1: left, x2: right, y1: y, y2: y, stroke: "var(--u-line)" });
    const box = (t, share, y, height, attributes) =>
      svg("rect", { x: at(t) - pitch * share, width: 2 * pitch * share, y, height, ...attributes });

    function bars(key, values, y, tall, colour) {
      const long = scale([0, most(values)], [0, tall]);
      return [zero(y), ...values.map((v, t) => box(t, 0.3, y - Math.max(long(v), 0), Math.max(Math.abs(long(v)), 0.5),
        { "data-value": key, fill: `var(--u-${colour})` }))];
    }

    function line(key, values, y, tall, colour) {
      const high = scale([-most(values), most(values)], [y + tall, y - tall]);
      return [
        zero(y),
        svg("path", { fill: "none", stroke: `var(--u-${colour})`, "stroke-width": 2, d: path(values.map((v, t) => [at(t), high(v)])) }),
        ...values.map((v, t) => svg("circle", { "data-value": key, cx: at(t), cy: high(v), r: 3, fill: `var(--u-${colour})` })),
        text(right, y - tall - 9, `±${number(most(values), 1)}`, { "text-anchor": "end", class: "u-muted", "font-size": 10 }),
      ];
    }

    const gates = (key, values, y) => values.flatMap((v, t) => [
      box(t, 0.42, y - 9, 18, { rx: 3, fill: "none", stroke: "var(--u-gate)" }),
      box(t, 0.42, y + 9 - 18 * v, 18 * v, { "data-value": key, rx: 3, fill: "var(--u-gate)", opacity: 0.75 }),
    ]);

    const name = (y, content, colour) => text(2, y, content, { "font-size": 12, class: `u-${colour}`, "font-style": "italic" });
    const chosen = (t, height) => box(t, 0.5, 4, height, { rx: 5, fill: "none", stroke: "var(--u-muted)", "stroke-dasharray": "3 3" });
    const marks = (which, y) => which.map((t) => text(at(t), y, String(t), { "text-anchor": "middle", class: "u-muted", "font-size": 11 }));
    return { at, step, bars, line, gates, name, chosen, marks };
  }

  /** A line that screen readers speak when it changes, at most twice a second. */
  function announcer(stage) {
    const node = html("p", { class: "u-announce", role: "status", "aria-live": "polite" });
    stage.append(node);
    let timer = null;
    return (text) => {
      clearTimeout(timer);
      timer = setTimeout(() => { node.textContent = text; }, 500);
    };
  }

  /** Publish what the figure shows, in full precision, for the tests. */
  function publish(figure, values) {
    figure.dataset.values = JSON.stringify(values);
  }

  function raise(figure) {
    const build = builders.get(figure.dataset.interactive);
    const stage = figure.querySelector(".u-stage");
    if (!build || !stage || figure.dataset.live) return;
    figure.dataset.live = "true";
    try {
      build(stage, figure);
    } catch (error) {
      stage.replaceChildren();
      figure.dataset.live = "failed";
      throw error;
    }
    stage.hidden = false;
  }

  function raiseAll() {
    document.querySelectorAll("figure[data-interactive]").forEach(raise);
  }

  /** Register the builder of a figure. */
  function figure(name, build) {
    builders.set(name, build);
    if (document.readyState !== "loading") raiseAll();
  }

  document.addEventListener("DOMContentLoaded", raiseAll);
  window.unrolled = {
    figure, html, svg, scale, path, text, tip, number, signed, slider, named, button, mark, player, sentences, readout,
    tracks, pressed, onWidth, announcer, publish,
  };
})();
