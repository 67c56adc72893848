"use strict";
(() => {
  const { config, charts } = JSON.parse(document.getElementById("data").textContent);
  // `ast` interprets expressions instead of compiling them, so that the page needs no unsafe-eval.
  const options = {
    config,
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };
  const drawn = [];
  for (const box of document.querySelectorAll("[data-chart]")) {
    const spec = charts[box.dataset.chart];
    const notice = box.firstElementChild;
    drawn.push(
      window.vegaEmbed(box, spec, options).catch((error) => {
        notice.textContent = "This chart could not be drawn; its numbers are in the table below.";
        box.replaceChildren(notice);
        console.error(error);
      }),
    );
  }
  Promise.all(drawn).then(() => document.documentElement.setAttribute("data-drawn", "yes"));
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
