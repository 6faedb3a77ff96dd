// Each method minus the baseline of its backbone, seed by seed: the numbers of the table, drawn.
"use strict";
const MOST_DIFFERENCES = 40;
const LEAST_WIDTH = 340;
const VERDICTS = {
  better: { name: "better", colour: 0, symbol: "triangle-up" },
  worse: { name: "worse", colour: 1, symbol: "triangle-down" },
  "not told apart": { name: "not told apart", symbol: "circle-open" },
};

const difference = (row, task) => row.values[place(task, primary(task).name)]?.difference ?? null;
const sides = (found, of) => ({
  type: "data", symmetric: false, arrayminus: found.map((one) => one.mean - (of(one)?.[0] ?? one.mean)), array: found.map((one) => (of(one)?.[1] ?? one.mean) - one.mean),
});

// One trace per verdict, its bars the intervals over seeds; and thin bars, those over test samples.
function differencesOf(rows, task) {
  const at = rows.map((row, line) => ({ row, line, ...difference(row, task) })).filter(({ mean }) => mean !== undefined);
  const shade = ({ colour: i }) => (i === undefined ? ink("--quiet") : colour(i));
  const by = Object.entries(VERDICTS).map(([verdict, style]) => ({ style, found: at.filter((one) => (one.verdict ?? "not told apart") === verdict) }));
  const traces = by.flatMap(({ style, found }) => ({
    // A point nowhere keeps the entry in the legend, which is that of all panels.
    type: "scatter", mode: "markers", name: style.name, legendgroup: style.name, x: found.length ? found.map((one) => one.mean) : [null], y: found.length ? found.map((one) => one.line) : [null],
    text: found.map((one) => plain(`${one.row.method}: ${one.text}${one.spread}`)), hovertemplate: "%{text}<extra></extra>",
    marker: { color: shade(style), symbol: style.symbol, size: 11 },
    error_x: { ...sides(found, (one) => one.interval), thickness: 2, width: 0, color: shade(style) },
  }));
  const known = at.filter((one) => one.sampling);
  if (known.length) traces.push({
    type: "scatter", mode: "markers", showlegend: false, hoverinfo: "skip", x: known.map((one) => one.mean), y: known.map((one) => one.line),
    marker: { size: 1, color: ink("--quiet") }, error_x: { ...sides(known, (one) => one.sampling), thickness: 1, width: 4, color: ink("--quiet") },
  });
  return traces;
}

function drawDifferences() {
  const id = "differences-plot";
  const tasks = tasksShown();
  const rows = shownRows().filter((row) => tasks.some((task) => difference(row, task)));
  const [room, height] = [90, printing() ? 12 : 21];
  const fitting = Math.floor((PAPER_HEIGHT / linesOf(id, tasks.length, LEAST_WIDTH) - room) / height);
  const shown = rows.slice(0, printing() ? Math.min(fitting, MOST_DIFFERENCES) : MOST_DIFFERENCES);
  const hint = $("differences-hint");
  hint.textContent = "";
  if (!shown.length) return nothing(id, "No method shown can be compared with a baseline on its backbone.");
  const sampled = shown.some((row) => tasks.some((task) => difference(row, task)?.sampling));
  hint.textContent =
    `${board().difference}: the mean difference to that row on the same backbone, seed by seed, in ${primaries()}. Thick bars: 95 % intervals over seeds` +
    `${sampled ? "; thin ones with ends: over test samples" : ""}. Triangles: better or worse by the test of the whole table; circles: not told apart.` +
    (rows.length > shown.length ? ` The first ${shown.length} of ${rows.length} methods, as the table is sorted and filtered.` : "");
  const most = narrow(id) ? 20 : 34;
  const names = shown.map((row) => plain(cut(row.method, most)));
  panels(id, LEAST_WIDTH, room + height * shown.length, (task) => differencesOf(shown, task), (task, traces, first) => ({
    x: axis(`difference in ${primary(task).label}${primary(task).lower ? ", lower is better" : ""}`, { zeroline: true, zerolinecolor: ink("--quiet"), zerolinewidth: 2, rangemode: "tozero", tickangle: 0, nticks: narrow(id) || printing() ? 4 : 6 }),
    y: axis("", { range: [shown.length - 0.4, -0.6], tickvals: names.map((_, line) => line), ticktext: first ? names : names.map(() => ""), zeroline: false, tickfont: { size: printing() ? 10 : 12 } }),
  }), { legend: "below" });
}
