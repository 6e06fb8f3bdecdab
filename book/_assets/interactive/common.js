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

  /** An SVG element: svg("circle", {cx: 3, cy: 4, r: 2, class: "u-hidden u-dot"}). */
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

  const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

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
  window.unrolled = { figure, html, svg, scale, path, number, slider, button, announcer, publish, prefersStillness: still };
})();
