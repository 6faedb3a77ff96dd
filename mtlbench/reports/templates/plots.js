// The figures, each drawn when it comes into view, and again when a filter or the colour scheme changes.
"use strict";
const MOST_CURVES = 8;
const MOST_PANELS = 3;
const MOST_TICKS = 8;
const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "hexagram"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const visible = new Set();
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Plotly reads a little HTML in its texts.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const colour = (i) => (colours[i % colours.length] === "#000000" ? ink("--ink") : colours[i % colours.length]);
const faint = (shade) => (/^#[0-9a-f]{6}$/i.test(shade) ? `${shade}1f` : shade);

function axis(title, more = {}) {
  return {
    title: { text: plain(title), standoff: 8 }, gridcolor: ink("--line"), zerolinecolor: ink("--line"),
    linecolor: ink("--line"), automargin: true, ...more,
  };
}

// The axis of epochs, with ticks at whole ones.
function epochs(traces) {
  const most = Math.max(1, ...traces.map((trace) => Math.max(...trace.x)));
  return axis("epochs, all stages", { rangemode: "tozero", tick0: 0, dtick: Math.ceil(most / MOST_TICKS) });
}

// From the least to the largest value, with half as much beside: wider error bars are cut off.
function around(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low) / 2 || Math.abs(high) / 20 || 1;
  return [low - room, high + room];
}

function draw(id, traces, layout) {
  const narrow = $(id).clientWidth < 620;
  Plotly.react($(id), traces, {
    height: 440, margin: { l: 60, r: 20, t: 26, b: 50 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink("--ink"), family: "system-ui, sans-serif", size: 12 }, hovermode: "closest", modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--accent") },
    hoverlabel: { bgcolor: ink("--panel"), bordercolor: ink("--line"), font: { color: ink("--ink") } },
    legend: narrow ? { orientation: "h", y: -0.25 } : {}, ...layout,
  }, { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] });
}

function nothing(id, why) {
  Plotly.purge($(id));
  $(id).replaceChildren(make("p", why, { class: "notice" }));
}

const place = (task, metric) => board().columns.findIndex(([t, m]) => t === task && m === metric);

const primary = (task) => metricOf[board().primary[task]] ?? { name: board().primary[task], label: board().primary[task], lower: false };
const primaries = () => [...new Set(board().tasks.map((_, task) => primary(task).label))].join(" or ");
const quality = () => [...new Set(board().tasks.map((_, task) => (primary(task).lower ? "−" : "") + primary(task).label))].join(" or ");
// Turned such that more is better; its own inverse.
const gain = (task, value) => (value !== null && primary(task).lower ? -value : value);

function score(row, task, split) {
  const { name } = primary(task);
  if (split === "test") return row.values[place(task, name)]?.mean ?? null;
  const found = row.cells.map((cell) => cell.metrics[split]?.[task]?.[name]).filter((value) => value !== null && value !== undefined);
  return found.length ? mean(found) : null;
}

// The bars of the 95 % intervals of the means on the test split.
function bars(rows, task, split) {
  const found = rows.map((row) => (split === "test" ? row.values[place(task, primary(task).name)] : null));
  const width = (side) => found.map((value) => (value?.interval ? Math.abs(value.interval[side] - value.mean) : 0));
  return { type: "data", symmetric: false, arrayminus: width(0), array: width(1), thickness: 0.7, width: 0, color: ink("--quiet") };
}

// One trace per backbone: colour and marker say which it is.
function byBackbone(rows, x, y, hover, more = () => ({})) {
  const names = [...new Set(board().rows.map((row) => row.backbone))].filter(Boolean);
  return names.flatMap((name, i) => {
    const own = rows.filter((row) => row.backbone === name && x(row) !== null && y(row) !== null);
    return own.length ? [{
      type: "scatter", mode: "markers", name: plain(name), x: own.map(x), y: own.map(y), text: own.map((row) => plain(row.method)),
      hovertemplate: `%{text}<br>${hover}<extra></extra>`,
      marker: { color: colour(i), symbol: SYMBOLS[i % SYMBOLS.length], size: own.map((row) => (row.baseline ? 13 : 9)),
        line: { width: own.map((row) => (row.baseline ? 2 : 0.5)), color: ink("--ink") } },
      ...more(own),
    }] : [];
  });
}

// The best epoch of each stage of a tuned baseline: what its candidates reach on validation.
function candidates(row, tasks) {
  const stages = {};
  for (const cell of row.cells) for (const one of cell.curve) {
    const scores = one.epoch.map((_, e) => mean(one.validation.map((of, task) => gain(task, of[e] ?? null) ?? -Infinity)));
    const best = scores.indexOf(Math.max(...scores));
    (stages[one.stage] ??= []).push(tasks.map((task) => one.validation[task][best]));
  }
  return Object.entries(stages).map(([stage, points]) => ({ stage, at: tasks.map((_, i) => mean(points.map((p) => p[i]))) }));
}

function front(points, tasks) {
  const turned = (pair) => pair.map((value, i) => gain(tasks[i], value));
  const sorted = points.map(turned).sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  const kept = [];
  for (const point of sorted) if (!kept.length || point[1] > kept[kept.length - 1][1]) kept.push(point);
  return kept.map(turned);
}

function drawTradeoff() {
  if (board().tasks.length < 2) return nothing("tradeoff-plot", "There is one task, so there is nothing to trade.");
  const tasks = [+$("x-task").value, +$("y-task").value];
  const split = $("split").value;
  const rows = shownRows();
  const traces = byBackbone(rows, (row) => score(row, tasks[0], split), (row) => score(row, tasks[1], split), "%{x:.4f}, %{y:.4f}",
    (own) => ({ error_x: bars(own, tasks[0], split), error_y: bars(own, tasks[1], split) }));
  const points = rows.filter((row) => row.state === "complete").map((row) => tasks.map((task) => score(row, task, split)));
  const edge = front(points.filter((point) => !point.includes(null)), tasks);
  if (edge.length) traces.unshift({ type: "scatter", mode: "lines", name: "Pareto front", x: edge.map((p) => p[0]), y: edge.map((p) => p[1]),
    line: { color: ink("--quiet"), dash: "dot", shape: "linear" }, hoverinfo: "skip" });
  const tuned = split === "validation" ? rows.filter((row) => row.tuned) : [];
  const names = [...new Set(board().rows.map((row) => row.backbone))].filter(Boolean);
  for (const row of tuned) {
    const found = candidates(row, tasks);
    const reached = front(found.map((one) => one.at), tasks);
    const own = { color: colour(names.indexOf(row.backbone)), legendgroup: row.method };
    traces.push({ type: "scatter", mode: "lines", legendgroup: own.legendgroup, name: plain(`front of ${row.method}`),
      x: reached.map((p) => p[0]), y: reached.map((p) => p[1]), hoverinfo: "skip", line: { color: own.color, width: 1.5 } });
    traces.push({ type: "scatter", mode: "markers", legendgroup: own.legendgroup, showlegend: false, x: found.map((one) => one.at[0]),
      y: found.map((one) => one.at[1]), text: found.map((one) => plain(`${row.method}, ${one.stage}`)),
      hovertemplate: "%{text}<br>%{x:.4f}, %{y:.4f}<extra></extra>", marker: { symbol: "star", size: 7, color: own.color } });
  }
  const better = `${primary(tasks[1]).lower ? "down" : "up"} and to the ${primary(tasks[0]).lower ? "left" : "right"} is better`;
  $("tradeoff-hint").textContent =
    `${[...new Set(tasks.map((task) => primary(task).label))].join(" and ")}, mean over seeds; ${better}. Large markers: backbones under constant weights. ` +
    (split === "validation"
      ? "Stars: each candidate of a tuned scalarization at its best epoch; a line joins those on its front, which weights of the tasks alone reach."
      : "Bars: 95 % intervals over seeds; wide ones are cut off at the frame. The validation split also shows the front of scalarization, whose candidates never see the test split.");
  const [across, up] = tasks.map((task, i) => {
    const values = traces.flatMap((trace) => (i ? trace.y : trace.x)).filter((value) => value !== null);
    return axis(`${board().tasks[task]} ${primary(task).label}`, values.length ? { range: around(values) } : {});
  });
  draw("tradeoff-plot", traces, { xaxis: across, yaxis: up });
}

function drawSpend() {
  const unit = $("spend-unit").value;
  const reached = (row) => {
    const found = board().tasks.map((_, task) => score(row, task, "test"));
    return found.includes(null) ? null : mean(found.map((value, task) => gain(task, value)));
  };
  const traces = byBackbone(shownRows(), (row) => row.spend?.[unit] ?? null, reached, `%{x:,.4s} ${unit}, ${quality()} %{y:.4f}`);
  draw("spend-plot", traces, { xaxis: axis(`${unit} per seed`, { type: "log", dtick: "D2", tickformat: "~s" }), yaxis: axis(`mean ${quality()} over tasks`) });
}

function drawRanks() {
  const found = content.ranks.find(({ boards }) => boards.includes(board().title));
  if (!found) {
    $("ranks-hint").textContent = "";
    return nothing("ranks-plot", "Ranks need two weightings on two backbones or datasets, every seed of them.");
  }
  const { names, ranks: at, critical_difference: cd, cliques, datasets, backbones, p } = found;
  $("ranks-hint").textContent = cd === null
    ? `Mean rank of ${found.primary} over ${backbones} backbones of one dataset; 1 is the best. There is no test: weightings rank nearly ` +
      "alike on all backbones of a dataset, so backbones are not independent. Friedman's test takes two datasets or more."
    : `Mean rank of ${found.primary} over ${datasets} datasets; 1 is the best. Weightings joined by a bar cannot be told apart: their mean ` +
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
    height: Math.max(300, 110 + 19 * names.length), yaxis: axis("", { autorange: "reversed", type: "category", categoryarray: labels, dtick: 1 }),
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
    line: { color: colour(i), dash: i >= colours.length ? "dash" : "solid" }, marker: { symbol: SYMBOLS[i % SYMBOLS.length], size: 6 },
  })), { xaxis: axis("trials", { dtick: Math.ceil(Math.max(...found.map(({ best }) => best.length)) / MOST_TICKS) }), yaxis: axis("expected best validation score") });
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

function panels(id, rows, traceOf, yTitle) {
  const tasks = board().tasks.map((name, i) => [name, i]).filter(([, i]) => view.task === "" || i === +view.task);
  const narrow = $(id).clientWidth < 620;
  const traces = [];
  const columns = narrow ? 1 : Math.min(tasks.length, MOST_PANELS);
  const lines = Math.ceil(tasks.length / columns);
  const layout = { height: lines > 1 ? 300 * lines + 80 : 420, annotations: [], margin: { l: 60, r: 20, t: 48, b: 50 },
    grid: { rows: lines, columns, pattern: "independent" } };
  if (narrow) layout.legend = { orientation: "h", y: -0.25 / lines };
  tasks.forEach(([name, task], panel) => {
    const suffix = panel ? panel + 1 : "";
    rows.forEach((row, i) => traces.push(...traceOf(row, task, i).map((trace) => ({
      ...trace, xaxis: `x${suffix}`, yaxis: `y${suffix}`, legendgroup: row.method,
      showlegend: panel === 0 && trace.showlegend !== false,
    }))));
    layout[`yaxis${suffix}`] = axis(panel % columns ? "" : yTitle, { tickformat: ".3~f" });
    layout.annotations.push({ text: plain(name), showarrow: false, xref: `x${suffix} domain`, yref: `y${suffix} domain`, x: 0.5, y: 1, yanchor: "bottom", font: { size: 13 } });
  });
  tasks.forEach((_, panel) => { layout[`xaxis${panel ? panel + 1 : ""}`] = epochs(traces); });
  draw(id, traces, layout);
}

const drawnRows = (wanted) => shownRows().filter(wanted).slice(0, MOST_CURVES);

function line(row, i, points, more = {}) {
  return { type: "scatter", mode: points.length > 60 ? "lines" : "lines+markers", name: plain(row.method), x: points.map((point) => point.at),
    y: points.map((point) => mean(point.values)), text: points.map((point) => plain(`${row.method}, stage ${point.stage}, epoch ${+point.epoch.toFixed(3)}`)),
    hovertemplate: "%{text}<br>%{y:.4f}<extra></extra>", line: { color: colour(i), dash: i >= colours.length ? "dash" : "solid" },
    marker: { symbol: SYMBOLS[i % SYMBOLS.length], size: 6, color: colour(i) }, ...more };
}

function drawCurves() {
  const rows = drawnRows((row) => row.cells.some((cell) => cell.curve.length));
  $("curves-hint").textContent = `Validation ${primaries()} each time it was computed, mean over seeds: the first ${rows.length} methods of the table, as it is sorted and filtered.`;
  if (!rows.length) return nothing("curves-plot", "No method shown has a curve.");
  panels("curves-plot", rows, (row, task, i) => [line(row, i, overCells(row.cells, (stage, e) => stage.validation[task][e]))], `validation ${primaries()}`);
}

const changes = (cell) => cell.curve.some(({ weights }) => weights && weights.q05.some((of, task) => {
  const all = [...of, ...weights.q95[task]].filter((value) => value !== null);
  return Math.max(...all) - Math.min(...all) > 1e-9;
}));

function drawWeights() {
  const rows = drawnRows((row) => row.cells.some(changes));
  $("weights-hint").textContent =
    `Weights applied between two validations, mean over seeds, with the band of the 5 % and 95 % quantiles: the first ${rows.length} methods of the table that change their weights.`;
  if (!rows.length) return nothing("weights-plot", "No method shown changes its weights.");
  panels("weights-plot", rows, (row, task, i) => {
    const of = (part) => overCells(row.cells, (stage, e) => stage.weights?.[part][task][e]);
    const [low, high] = [of("q05"), of("q95")];
    const band = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, fill: "toself", line: { width: 0 }, fillcolor: faint(colour(i)),
      x: [...low.map((point) => point.at), ...high.map((point) => point.at).reverse()],
      y: [...low.map((point) => mean(point.values)), ...high.map((point) => mean(point.values)).reverse()] };
    return [band, line(row, i, of("mean"))];
  }, "weight");
}

const FIGURES = { tradeoff: drawTradeoff, spend: drawSpend, ranks: drawRanks, searches: drawSearches, curves: drawCurves, weights: drawWeights };

function drawFigures() {
  for (const [id, figure] of Object.entries(FIGURES)) {
    if (visible.has(id)) figure();
    else $(id).dataset.stale = "true";
  }
}

function startFigures() {
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const isNew = isIntersecting && (!visible.has(target.id) || target.dataset.stale);
      isIntersecting ? visible.add(target.id) : visible.delete(target.id);
      if (isNew && target.dataset.stale !== "false") {
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
}
