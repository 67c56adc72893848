"use strict";
// The table: sorting, filters, columns, and the choice of two entries to compare.
(() => {
  const { entries, skills } = window.rmbench;
  const $ = (id) => document.getElementById(id);
  const table = $("table");
  const body = $("rows");
  const rows = [...body.rows].map((tr) => ({
    tr,
    place: tr.querySelector(".place"),
    pick: tr.querySelector("input"),
    index: +tr.dataset.i,
    entry: entries[+tr.dataset.i],
    text: entries[+tr.dataset.i].n.toLowerCase(),
  }));
  const heads = [...table.tHead.rows[0].cells].filter((th) => th.dataset.key);
  const FIELDS = {
    trust: "t", parameters: "p", contamination: "con", heldout: "held", coverage: "cov", tokens: "tok", time: "sec", price: "usd",
  };
  const STATES = ["clean", "unknown", "overlap"];
  const state = { key: "overall", direction: -1 };

  const valueOf = (row, key) => {
    if (key === "rank") return row.index;
    if (key === "name") return row.text;
    const skill = skills.indexOf(key);
    return skill < 0 ? row.entry[FIELDS[key]] : row.entry.v[skill][0];
  };

  function sorted(found) {
    const { key, direction } = state;
    const keyed = found.map((row) => [valueOf(row, key), row]);
    // What has no value goes last, whatever the direction; equals stay in the order of the board.
    keyed.sort(([a, one], [b, two]) => {
      if (a === null || b === null) return (a === null) - (b === null) || one.index - two.index;
      return (a < b ? -direction : a > b ? direction : 0) || one.index - two.index;
    });
    return keyed.map(([, row]) => row);
  }

  function wanted() {
    const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const trust = +$("by-trust").value;
    const [low, high] = [$("by-low").value, $("by-high").value];
    const track = $("by-track")?.value;
    const overlap = STATES.indexOf($("by-state").value);
    const baselines = $("baselines").checked;
    return ({ entry, text }) =>
      words.every((word) => text.includes(word)) &&
      entry.t >= trust &&
      (!low || (entry.p !== null && entry.p >= +low)) &&
      (!high || (entry.p !== null && entry.p <= +high)) &&
      (!track || entry.track === track) &&
      (overlap < 0 || entry.con === overlap) &&
      (baselines || !entry.b);
  }

  /** Ranks are those of the skill that is sorted by; brackets join neighbours of one tie group. */
  function markRanks(shown) {
    const skill = skills.includes(state.key) ? skills.indexOf(state.key) : skills.indexOf("overall");
    const joined = skills.includes(state.key) || state.key === "rank";
    const group = (row) => (joined && row ? (row.entry.r[skill]?.[1] ?? null) : null);
    shown.forEach((row, k) => {
      const mine = group(row);
      const [before, after] = [group(shown[k - 1]), group(shown[k + 1])];
      const tied = mine !== null && (before === mine || after === mine);
      row.place.textContent = row.entry.r[skill]?.[0] ?? "–";
      const marks = { tied, first: tied && before !== mine, last: tied && after !== mine, edge: mine !== null && k > 0 && before !== mine };
      row.tr.className = Object.keys(marks).filter((name) => marks[name]).join(" ");
    });
  }

  function say(shown) {
    const head = heads.find((th) => th.dataset.key === state.key);
    const way = { name: ["from a to z", "from z to a"], rank: ["best first", "best last"] }[state.key] ?? ["lowest first", "highest first"];
    const count = shown.length === rows.length ? `${rows.length} entries` : `${shown.length} of ${rows.length} entries`;
    $("status").textContent = `${count}, by ${head.textContent.trim().toLowerCase()}, ${way[state.direction > 0 ? 0 : 1]}`;
    $("none").hidden = shown.length > 0;
  }

  function show() {
    const shown = sorted(rows.filter(wanted()));
    markRanks(shown);
    body.replaceChildren(...shown.map((row) => row.tr));
    for (const th of heads) {
      if (th.dataset.key !== state.key) th.removeAttribute("aria-sort");
      else th.setAttribute("aria-sort", state.direction > 0 ? "ascending" : "descending");
    }
    $("by-sort").value = state.key;
    say(shown);
    document.dispatchEvent(new CustomEvent("shown", { detail: shown.map((row) => row.entry) }));
  }

  function sortBy(key) {
    const first = heads.find((th) => th.dataset.key === key).dataset.first === "ascending" ? 1 : -1;
    state.direction = state.key === key ? -state.direction : first;
    state.key = key;
    show();
  }

  /** A frame scrolls sideways only if it must: a scrolling frame would keep the head of the table from staying in view. */
  function fit() {
    for (const frame of document.querySelectorAll(".frame")) {
      frame.classList.remove("scrolls");
      const head = frame.querySelector("thead");
      const cards = getComputedStyle(head).position === "absolute";
      const wide = !cards && head.rows[0].scrollWidth > frame.clientWidth + 1;
      frame.classList.toggle("scrolls", wide);
      frame.tabIndex = wide ? 0 : -1;
    }
  }

  const picked = [];
  function tray() {
    const names = picked.map((row) => row.entry.n);
    $("tray").hidden = !names.length;
    $("chosen").textContent = names.length === 1 ? `${names[0]} chosen; choose another one` : names.join(" and ");
    $("go").hidden = names.length < 2;
    if (names.length === 2) $("go").href = `${$("go").dataset.page}#a=${picked[0].entry.k}&b=${picked[1].entry.k}`;
  }
  function pick(row) {
    if (!row.pick.checked) picked.splice(picked.indexOf(row), 1);
    else if (picked.push(row) > 2) picked.shift().pick.checked = false;
    tray();
  }

  for (const th of heads) th.querySelector("button").addEventListener("click", () => sortBy(th.dataset.key));
  for (const row of rows) {
    row.pick.checked = false; // a browser may remember boxes of an earlier visit
    row.pick.addEventListener("change", () => pick(row));
  }
  const filters = ["find", "by-trust", "by-low", "by-high", "by-track", "by-state", "baselines"].map($).filter(Boolean);
  for (const filter of filters) filter.addEventListener("input", show);
  $("by-sort").addEventListener("input", (event) => {
    state.key = "";
    sortBy(event.target.value);
  });
  for (const box of document.querySelectorAll("[data-column]")) {
    const apply = () => table.classList.toggle(`no-${box.dataset.column}`, !box.checked);
    apply();
    box.addEventListener("input", () => (apply(), fit()));
  }
  const chooser = document.querySelector(".chooser");
  chooser.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    chooser.open = false;
    chooser.querySelector("summary").focus();
  });
  $("clear").addEventListener("click", () => {
    for (const row of picked.splice(0)) row.pick.checked = false;
    tray();
    $("table").querySelector("button").focus();
  });
  $("reset").addEventListener("click", () => {
    for (const filter of filters) {
      if (filter.type === "checkbox") filter.checked = true;
      else if (filter.type === "search") filter.value = "";
      else filter.selectedIndex = 0;
    }
    state.key = "overall";
    state.direction = -1;
    show();
  });

  document.documentElement.classList.add("on");
  // after the other scripts, which listen for what is shown
  document.addEventListener("DOMContentLoaded", () => {
    show();
    fit();
    new ResizeObserver(fit).observe(document.documentElement);
    document.documentElement.dataset.ready = "yes";
  });
})();
