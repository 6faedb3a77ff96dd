// Mean ranks and searches; and when figures are drawn: once they come into view, and after a change of filters, size or colours.
"use strict";
const visible = new Set();

function drawRanks() {
  const found = content.ranks.find(({ boards }) => boards.includes(board().title));
  if (!found) {
    $("ranks-hint").textContent = "";
    return nothing("ranks-plot", "Ranks need two weightings on two backbones or datasets, every seed of them.");
  }
  const { names, ranks: at, critical_difference: cd, cliques, p } = found;
  $("ranks-hint").textContent = cd === null
    ? `Mean rank of ${found.primary} over ${found.over}; 1 is the best. There is no test: weightings rank nearly ` +
      "alike on all backbones of a dataset, so backbones are not independent. Friedman's test takes two datasets or more."
    : `Mean rank of ${found.primary} over ${found.over}; 1 is the best. Weightings joined by a bar cannot be told apart: their mean ` +
      `ranks differ by less than Nemenyi's critical difference at .05, ${cd.toFixed(2)}. Friedman's test over datasets: p = ${p.toPrecision(2)}.`;
  const labels = names.map((name) => plain(name));
  const right = Math.max(...at);
  const step = Math.max(right * 0.03, 0.12);
  const bars = cliques.map(([first, last], i) => ({
    type: "scatter", mode: "lines", x: [right + step * (i + 1), right + step * (i + 1)], y: [labels[first], labels[last]],
    line: { color: ink("--quiet"), width: 4 }, hoverinfo: "skip", showlegend: false,
  }));
  draw("ranks-plot", [{
    type: "scatter", mode: "markers", x: at, y: labels, showlegend: false, hovertemplate: "%{y}: %{x:.2f}<extra></extra>",
    marker: { color: colour(0), size: 10 },
  }, ...bars], {
    height: Math.max(300, 110 + (printing() ? Math.min(19, (PAPER_HEIGHT - 110) / names.length) : 19) * names.length), yaxis: axis("", { autorange: "reversed", type: "category", categoryarray: labels, dtick: 1, tickfont: { size: names.length > 30 ? 11 : 13 } }),
    xaxis: axis("mean rank", { range: [Math.max(0, Math.min(...at) - 2 * step), right + step * (cliques.length + 2)] }),
  });
}

// Tuned rows: the expected best of n trials, drawn from those of the search.
function drawSearches() {
  const wanted = view.search.toLowerCase();
  const found = board().searches.filter((one) =>
    (view.backbone === "" || one.backbone === view.backbone) && (view.weighting === "" || one.weighting.split(" [")[0] === view.weighting.split(" [")[0]) &&
    one.method.toLowerCase().includes(wanted));
  $("searches-hint").textContent = found.length
    ? "Expected best validation score of n trials, drawn from those of each search, all subsets alike. Validation alone chooses; the table above has the test scores."
    : "";
  if (!found.length) return nothing("searches-plot", "No method shown was tuned: mtlbench run --trials N tunes all of them alike.");
  draw("searches-plot", found.map(({ method, best }, i) => ({
    type: "scatter", mode: "lines+markers", name: plain(method), x: best.map((_, n) => n + 1), y: best,
    hovertemplate: `${plain(method)}<br>%{x} trials: %{y:.4f}<extra></extra>`,
    line: { color: colour(i), dash: i >= colours.length ? "dash" : "solid" }, marker: { symbol: symbol(i), size: 6 },
  })), { xaxis: axis("trials", whole(Math.max(...found.map(({ best }) => best.length)))), yaxis: axis("expected best validation score") });
}

const FIGURES = {
  differences: drawDifferences, tradeoff: drawTradeoff, spend: drawSpend, ranks: drawRanks, searches: drawSearches, curves: drawCurves, weights: drawWeights,
};

function drawFigures() {
  for (const [id, figure] of Object.entries(FIGURES)) {
    $(id).dataset.stale = String(!visible.has(id));
    if (visible.has(id)) figure();
  }
}

// On paper the page is as wide as the paper, every figure is drawn, and a wide table is several.
function print(on) {
  document.documentElement.classList.toggle("print", on);
  $("notation").open = on;
  drawTable();
  if (on) for (const figure of Object.values(FIGURES)) figure();
  else drawFigures();
}

function startFigures() {
  for (const [id, found] of [["searches", content.boards.some(({ searches }) => searches.length)], ["ranks", content.ranks.length]]) {
    for (const element of [$(id), document.querySelector(`nav [href="#${id}"]`)]) element.hidden = !found;
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      isIntersecting ? visible.add(target.id) : visible.delete(target.id);
      if (isIntersecting && target.dataset.stale === "true") {
        target.dataset.stale = "false";
        FIGURES[target.id]();
      }
    }
  }, { rootMargin: "300px" });
  for (const id of Object.keys(FIGURES)) {
    $(id).dataset.stale = "true";
    watcher.observe($(id));
  }
  for (const id of ["x-task", "y-task", "split"]) $(id).addEventListener("change", drawTradeoff);
  $("spend-unit").addEventListener("change", drawSpend);
  dark.addEventListener("change", drawFigures);
  let wait, width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width || printing()) return;
    width = innerWidth;
    clearTimeout(wait);
    wait = setTimeout(drawFigures, 200);
  });
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}
