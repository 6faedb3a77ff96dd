// Learning curves, and the weights of the tasks while a network trains.
"use strict";
const MOST_CURVES = 8;

// The axis of epochs, with ticks at whole ones.
function epochs(traces) {
  const most = limits(traces.flatMap(({ x }) => x))[1];
  return axis("epochs, all stages", { rangemode: "tozero", ...whole(most) });
}

// The axis of weights, with ticks at whole ones where it shows two of them.
function weights(traces, title) {
  const [low, high] = limits(traces.flatMap(({ y }) => y));
  const count = Math.floor(high) - Math.ceil(low);
  return axis(title, count >= 1 ? whole(count) : {});
}

// Means over cells by stage and epoch, stages one after another.
function overCells(cells, pick) {
  const points = new Map();
  for (const cell of cells) cell.curve.forEach((stage, s) => stage.epoch.forEach((epoch, e) => {
    const value = pick(stage, e);
    if (value === null || value === undefined) return;
    const key = `${s} ${epoch}`;
    if (!points.has(key)) points.set(key, { stage: stage.stage, s, epoch, values: [] });
    points.get(key).values.push(value);
  }));
  const sorted = [...points.values()].sort((a, b) => a.s - b.s || a.epoch - b.epoch);
  let before = 0;
  sorted.forEach((point, n) => {
    if (n && point.s !== sorted[n - 1].s) before = sorted[n - 1].at;
    point.at = before + point.epoch;
  });
  return sorted;
}

const drawnRows = (wanted) => shownRows().filter(wanted).slice(0, MOST_CURVES);

function line(row, i, points, more = {}) {
  return { type: "scatter", mode: points.length > 60 ? "lines" : "lines+markers", name: plain(row.method), legendgroup: row.method, x: points.map((point) => point.at),
    y: points.map((point) => mean(point.values)), text: points.map((point) => plain(`${row.method}, stage ${point.stage}, epoch ${+point.epoch.toFixed(3)}`)),
    hovertemplate: "%{text}<br>%{y:.4f}<extra></extra>", line: { color: colour(i), dash: i >= colours.length ? "dash" : "solid" },
    marker: { symbol: symbol(i), size: 6, color: colour(i) }, ...more };
}

function drawCurves() {
  const rows = drawnRows((row) => row.cells.some((cell) => cell.curve.length));
  $("curves-hint").textContent = `Validation ${primaries()} each time it was computed, mean over seeds: the first ${rows.length} methods of the table, as it is sorted and filtered.`;
  if (!rows.length) return nothing("curves-plot", "No method shown has a curve.");
  panels("curves-plot", 300, 300,
    (task) => rows.map((row, i) => line(row, i, overCells(row.cells, (stage, e) => stage.validation[task][e]))),
    (task, traces, first) => ({ x: epochs(traces), y: axis(first ? `validation ${primaries()}` : "") }));
}

const changes = (cell) => cell.curve.some(({ weights }) => weights && weights.q05.some((of, task) => {
  const all = [...of, ...weights.q95[task]].filter((value) => value !== null);
  return Math.max(...all) - Math.min(...all) > 1e-9;
}));

// The mean weight of a task, and the band of the quantiles beside it.
function weightLines(row, i, task) {
  const of = (part) => overCells(row.cells, (stage, e) => stage.weights?.[part][task][e]);
  const [low, high] = [of("q05"), of("q95")];
  const band = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, fill: "toself", line: { width: 0 }, fillcolor: faint(colour(i)),
    legendgroup: row.method, x: [...low.map((point) => point.at), ...high.map((point) => point.at).reverse()],
    y: [...low.map((point) => mean(point.values)), ...high.map((point) => mean(point.values)).reverse()] };
  return [band, line(row, i, of("mean"))];
}

function drawWeights() {
  const rows = drawnRows((row) => row.cells.some(changes));
  $("weights-hint").textContent =
    `Weights applied between two validations, mean over seeds, with the band of the 5 % and 95 % quantiles: the first ${rows.length} methods of the table that change their weights.`;
  if (!rows.length) return nothing("weights-plot", "No method shown changes its weights.");
  panels("weights-plot", 300, 300,
    (task) => {
      const found = rows.flatMap((row, i) => weightLines(row, i, task));
      const most = limits(found.flatMap(({ x }) => x))[1];
      return [...found, { type: "scatter", mode: "lines", name: "plain average", x: [0, most], y: [1, 1], hoverinfo: "skip", line: { color: ink("--quiet"), dash: "dot", width: 1.5 } }];
    },
    (task, traces, first) => ({ x: epochs(traces), y: weights(traces, first ? "weight" : "") }));
}
