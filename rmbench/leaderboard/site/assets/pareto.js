"use strict";
// Skill against parameters, for the entries that the filters leave, with the front that nothing smaller beats.
(() => {
  const { low, skills } = window.rmbench;
  const box = document.getElementById("plot");
  const choice = document.getElementById("pareto-skill");
  const HEIGHT = 380;
  const MARGIN = { left: 40, right: 18, top: 14, bottom: 40 };
  let shown = [];

  function make(name, attributes = {}, text = "") {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text) node.textContent = text;
    return node;
  }
  const number = (value) => {
    const text = value.toFixed(2);
    return Number(text) === 0 ? "0.00" : text.replace("-", "−");
  };
  const size = (value) => {
    for (const [unit, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) if (value >= unit) return `${value / unit}${letter}`;
    return `${value}`;
  };

  /** From the smallest on, each entry that does better than all that are as small or smaller. */
  function frontOf(points) {
    const ordered = [...points].sort((a, b) => a.p - b.p || b.value - a.value);
    const front = [];
    for (const point of ordered) if (!front.length || point.value > front.at(-1).value) front.push(point);
    return front;
  }

  function axes(svg, x, y, ends, width) {
    const right = width - MARGIN.right;
    for (let value = Math.ceil(low * 4 - 1e-9) / 4; value <= 1.001; value += 0.25) {
      svg.append(make("line", { class: value === 0 ? "zero" : "grid", x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) }));
      svg.append(make("text", { class: "tick", x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value)));
    }
    for (let power = ends[0]; power <= ends[1]; power++) {
      svg.append(make("line", { class: "grid", x1: x(10 ** power), x2: x(10 ** power), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
      svg.append(make("text", { class: "tick", x: x(10 ** power), y: HEIGHT - MARGIN.bottom + 18, "text-anchor": "middle" }, size(10 ** power)));
    }
    svg.append(make("text", { class: "tick", x: right, y: HEIGHT - 4, "text-anchor": "end" }, "parameters"));
  }

  function dots(svg, points, front, x, y) {
    for (const point of points) {
      const best = front.includes(point);
      const link = make("a", { href: `${point.entry.h}index.html`, class: best ? "best" : point.entry.b ? "ours" : "" });
      // every number is in the table above: five hundred stops of the keyboard would help nobody
      link.setAttribute("tabindex", best ? "0" : "-1");
      link.append(make("title", {}, `${point.entry.n}: ${number(point.value)} with ${point.entry.ps} parameters`));
      if (best && point.low !== null) link.append(make("line", { x1: x(point.p), x2: x(point.p), y1: y(point.low), y2: y(point.high) }));
      link.append(make("circle", { cx: x(point.p), cy: y(point.value), r: best ? 5 : 4 }));
      svg.append(link);
    }
  }

  /** Names of the front, from the best down; one that would touch another is left to the tooltip. */
  function labels(svg, front, x, y, width) {
    const taken = [];
    for (const point of [...front].reverse()) {
      const name = point.entry.n.split("/")[1];
      const wide = 7 * name.length;
      const left = x(point.p) - 9 - wide > MARGIN.left;
      const [from, to] = left ? [x(point.p) - 9 - wide, x(point.p) - 9] : [x(point.p) + 9, x(point.p) + 9 + wide];
      const at = y(point.value) - 8;
      if (to > width || taken.some(([f, t, v]) => f < to && t > from && Math.abs(v - at) < 14)) continue;
      taken.push([from, to, at]);
      svg.append(make("text", { class: "name", x: left ? to : from, y: at, "text-anchor": left ? "end" : "start" }, name));
    }
  }

  function told(front, title) {
    const said = front.map((point) => `${point.entry.n} (${point.entry.ps}, ${number(point.value)})`);
    document.getElementById("front").textContent = said.length
      ? `On the front of ${title}, from small to large: ${said.join(", ")}.`
      : "None of these entries states its parameters.";
    const without = shown.filter((entry) => !entry.p).map((entry) => entry.n);
    const more = without.length > 40 ? ` and ${without.length - 40} more` : "";
    document.getElementById("sizeless").textContent = without.length ? `Without a number of parameters: ${without.slice(0, 40).join(", ")}${more}.` : "";
  }

  function draw() {
    const k = skills.indexOf(choice.value);
    const title = choice.selectedOptions[0].textContent.toLowerCase();
    const points = shown
      .filter((entry) => entry.p && entry.v[k][0] !== null)
      .map((entry) => ({ entry, p: entry.p, value: entry.v[k][0], low: entry.v[k][1], high: entry.v[k][2] }));
    const front = frontOf(points);
    told(front, title);
    const width = Math.max(280, box.clientWidth);
    const svg = make("svg", { width, height: HEIGHT, role: "group", "aria-label": `${title} against parameters: ${points.length} entries, ${front.length} on the front` });
    if (points.length) {
      const powers = points.map((point) => Math.log10(point.p));
      const ends = [Math.floor(Math.min(...powers)), Math.ceil(Math.max(...powers) + 0.001)];
      const x = (p) => MARGIN.left + ((Math.log10(p) - ends[0]) / (ends[1] - ends[0])) * (width - MARGIN.left - MARGIN.right);
      const y = (value) => MARGIN.top + ((1 - Math.max(low, Math.min(1, value))) / (1 - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
      axes(svg, x, y, ends, width);
      const steps = front.map((point, j) => (j ? `H${x(point.p)}V${y(point.value)}` : `M${x(point.p)} ${y(point.value)}`));
      svg.append(make("path", { class: "front", d: `${steps.join("")}H${width - MARGIN.right}` }));
      dots(svg, [...points.filter((point) => !front.includes(point)), ...front], front, x, y);
      labels(svg, front, x, y, width);
    }
    box.replaceChildren(...(points.length ? [svg] : []));
    box.parentElement.hidden = !points.length && !shown.length;
  }

  // Drawing waits for the next frame, so that a sorted table is never late for it.
  let waiting = 0;
  function later() {
    if (!waiting) waiting = requestAnimationFrame(() => ((waiting = 0), draw()));
  }
  document.addEventListener("shown", (event) => {
    shown = event.detail;
    later();
  });
  choice.addEventListener("input", draw);
  let wide = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== wide) later();
    wide = box.clientWidth;
  }).observe(box);
})();
