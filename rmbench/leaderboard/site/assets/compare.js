"use strict";
// Two entries side by side; the interval of their difference comes from the replicates that they share.
(() => {
  const { entries, skills, titles, low } = window.rmbench;
  const known = new Map(entries.map((entry) => [entry.k, entry]));
  const $ = (id) => document.getElementById(id);
  const linked = document.getElementById("main").dataset.pages === "yes";
  const NONE = -32768;
  const TAIL = 0.025;
  const UNDEFINED = 0.05; // no interval where more than this share of the differences has no value
  const AXES = ["generalisation", "calibration", "overoptimization"];

  const number = (value) => {
    if (value === null) return "–";
    const text = value.toFixed(2);
    return Number(text) === 0 ? "0.00" : text.replace("-", "−");
  };
  const signed = (value) => (value === null ? "–" : Number(value.toFixed(2)) > 0 ? `+${number(value)}` : number(value));
  const band = (from, to) => (from === null ? "" : `[${number(from)}, ${number(to)}]`);

  function make(name, attributes = {}, ...inside) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...inside);
    return node;
  }
  function drawn(name, attributes = {}) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  /** Replicates: middle + step * code, 16-bit little-endian codes. */
  function replicates([middle, step, codes]) {
    const bytes = Uint8Array.from(atob(codes), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 2 }, (_, k) => {
      const code = view.getInt16(2 * k, true);
      return code === NONE ? NaN : middle + step * code;
    });
  }

  /** The p-th quantile of sorted numbers at position (n + 1) p, between neighbours; Weibull's. */
  function quantile(ordered, p) {
    const at = Math.min(Math.max((ordered.length + 1) * p, 1), ordered.length);
    const below = Math.floor(at);
    const next = ordered[Math.min(below, ordered.length - 1)];
    return ordered[below - 1] + (at - below) * (next - ordered[below - 1]);
  }

  /** Percentile interval of A − B, replicate by replicate; null where it cannot be formed. */
  function difference(a, b) {
    const size = Math.min(a.length, b.length);
    const found = [];
    for (let k = 0; k < size; k++) if (Number.isFinite(a[k] - b[k])) found.push(a[k] - b[k]);
    if (!found.length || found.length < (1 - UNDEFINED) * size) return null;
    found.sort((x, y) => x - y);
    return [quantile(found, TAIL), quantile(found, 1 - TAIL)];
  }
  window.rmbenchDifference = difference;

  function run(key) {
    const found = window.rmbenchRuns?.[key];
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const script = make("script", { src: `${known.get(key).h}data.js` });
      script.onload = () => resolve(window.rmbenchRuns[key]);
      script.onerror = () => reject(new Error(key));
      document.head.append(script);
    });
  }

  function card(k, one, two, runs) {
    const [a, b] = [one.v[k], two.v[k]];
    const gap = a[0] === null || b[0] === null ? null : a[0] - b[0];
    const ends = gap === null ? null : difference(replicates(runs[0].draws[k]), replicates(runs[1].draws[k]));
    const winner = ends && ends[0] > 0 ? "A" : ends && ends[1] < 0 ? "B" : "";
    const kind = winner ? `for-${winner.toLowerCase()}` : "open";
    const same = one === two || (ends && ends[0] === 0 && ends[1] === 0);
    const verdict = gap === null ? "no number" : !ends ? "no interval" : same ? "the same" : winner ? `${winner} is better` : "cannot be told apart";
    const box = make("article", { class: `card skill${skills[k] === "overall" ? " overall" : ""}` }, make("h3", {}, titles[k]));
    const told = make("p", { class: "value" }, signed(gap));
    if (ends) told.append(" ", make("span", { class: "interval" }, band(...ends)));
    const sense = make("p", { class: "ends", "aria-hidden": "true" }, make("span", {}, "B better"), make("span", {}, "A better"));
    box.append(told, forest(gap, ends, kind), sense, make("p", { class: "said" }, make("span", { class: `verdict ${kind}` }, verdict)));
    const sides = [["A", "of-a", a], ["B", "of-b", b]].map(([letter, of, v]) =>
      make("p", { class: "side" }, make("span", { class: `letter ${of}` }, letter), ` ${number(v[0])} `, make("span", { class: "interval" }, band(v[1], v[2]))),
    );
    box.append(...sides);
    return box;
  }

  let reach = 1;
  const percent = (value, from, to) => `${Math.max(0, Math.min(100, (100 * (value - from)) / (to - from)))}%`;
  const width = (one, two, from, to) => `${Math.max(0, (100 * (Math.min(two, to) - Math.max(one, from))) / (to - from))}%`;

  function forest(gap, ends, kind) {
    const svg = drawn("svg", { class: `forest ${kind}`, "aria-hidden": "true" });
    svg.append(drawn("rect", { class: "zero", x: "50%", y: 1, width: 1, height: 16 }));
    if (ends) svg.append(drawn("rect", { class: "range", x: percent(ends[0], -reach, reach), y: 7, width: width(...ends, -reach, reach), height: 4, rx: 2 }));
    if (gap !== null) svg.append(drawn("circle", { class: "dot", cx: percent(gap, -reach, reach), cy: 9, r: 3.5 }));
    return svg;
  }

  function duel(a, b, from) {
    const svg = drawn("svg", { class: "duel-plot", "aria-hidden": "true" });
    if (from < 0) svg.append(drawn("rect", { class: "zero", x: percent(0, from, 1), y: 0, width: 1, height: 26 }));
    for (const [[value, lower, upper], of, y] of [[a, "of-a", 8], [b, "of-b", 18]]) {
      if (lower !== null) svg.append(drawn("rect", { class: `range ${of}`, x: percent(lower, from, 1), y: y - 3, width: width(lower, upper, from, 1), height: 6, rx: 3 }));
      if (value !== null) svg.append(drawn("circle", { class: `dot ${of}`, cx: percent(value, from, 1), cy: y, r: 3.5 }));
    }
    return svg;
  }

  const cell = (value) => make("td", { role: "cell" }, make("span", { class: "num" }, number(value[0])), " ", make("span", { class: "interval" }, band(value[1], value[2])));

  function tasks(one, two) {
    const other = new Map(two.tasks.map((task) => [task[0], task[3]]));
    const lowest = Math.min(0, ...[...one.tasks, ...two.tasks].flatMap((task) => task[3]).filter((value) => value !== null));
    const from = Math.max(-1, Math.floor(lowest * 4) / 4);
    $("low-end").textContent = from ? number(from) : "0";
    const lines = [];
    for (const axis of AXES) {
      const mine = one.tasks.filter((task) => task[2] === axis);
      if (mine.length) lines.push(make("tr", { class: "axis", role: "row" }, make("th", { scope: "colgroup", colspan: 4, role: "rowheader" }, titles[skills.indexOf(axis)])));
      for (const [name, title, , value] of mine) {
        const against = other.get(name) ?? [null, null, null];
        const plot = make("td", { class: "plot", role: "cell" }, duel(value, against, from));
        lines.push(make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, title), plot, cell(value), cell(against)));
      }
    }
    $("tasks").replaceChildren(...lines);
  }

  function settings(one, two) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(two)])].filter((name) => one[name] !== two[name]);
    const value = (told) => make("td", { role: "cell" }, make("bdi", {}, told ?? "–"));
    const lines = names.map((name) => make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, make("bdi", {}, name)), value(one[name]), value(two[name])));
    const none = make("tr", { role: "row" }, make("td", { colspan: 3, role: "cell" }, "None."));
    $("settings").replaceChildren(...(lines.length ? lines : [none]));
  }

  function furthest(one, two, runs) {
    const all = skills.flatMap((_, k) => {
      const gap = one.v[k][0] === null || two.v[k][0] === null ? 0 : one.v[k][0] - two.v[k][0];
      return [gap, ...(difference(replicates(runs[0].draws[k]), replicates(runs[1].draws[k])) ?? [])];
    });
    return Math.max(0.05, ...all.map(Math.abs)) * 1.08;
  }

  async function show() {
    const [a, b] = [$("a").value, $("b").value];
    const [one, two] = [known.get(a), known.get(b)];
    history.replaceState(null, "", `#a=${a}&b=${b}`);
    document.documentElement.removeAttribute("data-ready");
    try {
      const runs = await Promise.all([run(a), run(b)]);
      if ($("a").value !== a || $("b").value !== b) return; // another choice was made meanwhile
      reach = furthest(one, two, runs);
      const order = ["overall", ...AXES].map((name) => skills.indexOf(name));
      $("cards").replaceChildren(...order.map((k) => card(k, one, two, runs)));
      tasks(runs[0], runs[1]);
      settings(runs[0].settings, runs[1].settings);
      $("result").hidden = false;
      const partial = [one, two].filter((entry) => entry.part).map((entry) => `${entry.n} is a partial entry: its skills may lack tasks or items.`);
      $("status").textContent = [`A is ${one.n}, B is ${two.n}.`, ...partial].join(" ");
      document.title = `${one.n} and ${two.n} · rmbench leaderboard`;
    } catch (error) {
      $("result").hidden = true;
      $("status").textContent = `The file of ${known.get(error.message)?.n ?? "an entry"} is not in this folder; build the pages again.`;
    }
    document.documentElement.dataset.ready = "yes";
  }

  /** Only keys of entries that exist are taken from the address. */
  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const keys = [...known.keys()];
    const best = entries.filter((entry) => !entry.b).map((entry) => entry.k);
    const fallback = [...best, ...keys];
    const [a, b] = [asked.get("a"), asked.get("b")];
    $("a").value = known.has(a) ? a : fallback[0];
    $("b").value = known.has(b) ? b : (fallback.find((key) => key !== $("a").value) ?? fallback[0]);
  }

  document.documentElement.classList.add("on");
  if (!entries.length) {
    $("status").textContent = "There is no entry to compare yet.";
    document.documentElement.dataset.ready = "yes";
    return;
  }
  fromAddress();
  for (const id of ["a", "b"]) $(id).addEventListener("input", show);
  $("swap").addEventListener("click", () => {
    [$("a").value, $("b").value] = [$("b").value, $("a").value];
    show();
  });
  window.addEventListener("hashchange", () => (fromAddress(), show()));
  show();
})();
