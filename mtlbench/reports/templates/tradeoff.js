// Trade-off between two tasks, and spend against quality: a mark for each method, its name beside it.
"use strict";
// Of more methods than these only the main ones, those on the front, the best and the baselines, have a name and bars.
const MANY = 60;
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

// Of the 95 % interval of a row's mean on the test split.
const interval = (row, task) => row.values[place(task, primary(task).name)]?.interval ?? null;

function bars(rows, task) {
  const width = (side) => rows.map((row) => (interval(row, task) ? Math.abs(interval(row, task)[side] - score(row, task, "test")) : 0));
  return { type: "data", symmetric: false, arrayminus: width(0), array: width(1), thickness: 1, width: 3, color: ink("--quiet") };
}

// Its bars as [[left, bottom], [right, top]], across and up.
function barsOf(row, tasks) {
  const [x, y] = tasks.map((task) => score(row, task, "test"));
  const [across, up] = tasks.map((task) => interval(row, task));
  return [across && across.map((end) => [end, y]), up && up.map((end) => [x, end])].filter(Boolean);
}

const placedRows = (x, y) => shownRows().filter((row) => row.backbone && x(row) !== null && y(row) !== null);

// What colour and symbol say: the backbone, or the weighting where one backbone is shown.
function markedBy(rows) {
  const kind = new Set(rows.map((row) => row.backbone)).size > 1 ? "backbone" : "weighting";
  return { kind, names: [...new Set(board().rows.map((row) => row[kind]))].filter(Boolean) };
}

// One trace per name of the kind that colour and symbol tell apart.
function marks(rows, x, y, hover, more = () => ({})) {
  const { kind, names } = markedBy(rows);
  const many = rows.length > MANY;
  const size = many ? 7 : 9;
  return names.flatMap((name, i) => {
    const own = rows.filter((row) => row[kind] === name);
    return own.length ? [{
      type: "scatter", mode: "markers", name: plain(name), x: own.map(x), y: own.map(y), text: own.map((row) => plain(row.method)),
      hovertemplate: `%{text}<br>${hover}<extra></extra>`,
      marker: { opacity: many ? 0.6 : 1, color: colour(i), symbol: symbol(i), size: own.map((row) => size + (row.baseline ? 4 : 0)),
        line: { width: own.map((row) => (row.baseline ? 2 : 0.8)), color: ink("--ink") } },
      ...more(own),
    }] : [];
  });
}

const isBest = (row) => row.values.some((value) => value?.best);

// Names for the marks of `rows`: those on the front first, then the best of a column, then baselines.
function names(rows, x, y, onFront, barsOf = () => []) {
  const { kind } = markedBy(rows);
  const weightings = [...new Set(board().rows.map((row) => row.weighting).filter(Boolean))];
  const bare = (name) => (weightings.filter((other) => other.split(" [")[0] === name.split(" [")[0]).length > 1 ? name : name.split(" [")[0]);
  const standing = (row) => [!onFront(row), !isBest(row), !row.baseline].map(Number).join("");
  return rows
    .filter((row) => rows.length <= MANY || standing(row) !== "111")
    .sort((a, b) => standing(a).localeCompare(standing(b)))
    .map((row) => ({ x: x(row), y: y(row), bars: barsOf(row), name: cut(kind === "backbone" && row.baseline ? row.method : bare(row.weighting), 28) }));
}

const namesHint = (rows) => `${markedBy(rows).kind === "backbone" ? "Colour and shape: the backbone; names: the weighting, of large marks, which have constant weights, the backbone." : "Large marks: constant weights."} ` +
  `Names are as many as have room, the best first${rows.length > MANY ? ", of the front, the best and constant weights: a filter shows others" : ""}; +2: two more at the same place.`;

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
  const [x, y] = tasks.map((task) => (row) => score(row, task, split));
  const rows = placedRows(x, y);
  const points = rows.filter((row) => row.state === "complete").map((row) => [x(row), y(row)]);
  const edge = front(points, tasks);
  const onFront = (row) => edge.some((point) => point[0] === x(row) && point[1] === y(row));
  const few = rows.length <= MANY;
  const barred = (row) => split === "test" && (few || onFront(row) || isBest(row) || row.baseline);
  const traces = marks(rows, x, y, "%{x:.4f}, %{y:.4f}", (own) => {
    const [error_x, error_y] = tasks.map((task) => bars(own.map((row) => (barred(row) ? row : { values: [] })), task));
    return { error_x, error_y };
  });
  if (edge.length) traces.unshift({ type: "scatter", mode: "lines", name: "Pareto front", x: edge.map((p) => p[0]), y: edge.map((p) => p[1]),
    line: { color: ink("--quiet"), dash: "dot", shape: "linear" }, hoverinfo: "skip" });
  const tuned = split === "validation" ? rows.filter((row) => row.tuned) : [];
  const by = markedBy(rows);
  for (const row of tuned) {
    const found = candidates(row, tasks);
    const reached = front(found.map((one) => one.at), tasks);
    const own = { color: colour(by.names.indexOf(row[by.kind])), legendgroup: row.method };
    traces.push({ type: "scatter", mode: "lines", legendgroup: own.legendgroup, name: plain(`front of ${row.method}`),
      x: reached.map((p) => p[0]), y: reached.map((p) => p[1]), hoverinfo: "skip", line: { color: own.color, width: 1.5 } });
    traces.push({ type: "scatter", mode: "markers", legendgroup: own.legendgroup, showlegend: false, x: found.map((one) => one.at[0]),
      y: found.map((one) => one.at[1]), text: found.map((one) => plain(`${row.method}, ${one.stage}`)),
      hovertemplate: "%{text}<br>%{x:.4f}, %{y:.4f}<extra></extra>", marker: { symbol: "star", size: 7, color: own.color } });
  }
  const better = `${primary(tasks[1]).lower ? "down" : "up"} and to the ${primary(tasks[0]).lower ? "left" : "right"} is better`;
  $("tradeoff-hint").textContent =
    `${[...new Set(tasks.map((task) => primary(task).label))].join(" and ")}, mean over seeds; ${better}. ${namesHint(rows)} ` +
    (split === "validation"
      ? "Stars: each candidate of a tuned scalarization at its best epoch; a line joins those on its front, which weights of the tasks alone reach."
      : `Bars: 95 % intervals over seeds${few ? "" : ", of the methods with a name"}; wide ones are cut off at the frame. ` +
        "The validation split also shows the front of scalarization, whose candidates never see the test split.");
  const [across, up] = tasks.map((task, i) => {
    const values = traces.flatMap((trace) => (i ? trace.y : trace.x)).filter((value) => value !== null);
    return axis(`${board().tasks[task]} ${primary(task).label}`, values.length ? { range: around(values) } : {});
  });
  draw("tradeoff-plot", traces, { xaxis: across, yaxis: up });
  nameMarks("tradeoff-plot", names(rows, x, y, onFront, (row) => (barred(row) ? barsOf(row, tasks) : [])));
}

function drawSpend() {
  const unit = $("spend-unit").value;
  const reached = (row) => {
    const found = board().tasks.map((_, task) => score(row, task, "test"));
    return found.includes(null) ? null : mean(found.map((value, task) => gain(task, value)));
  };
  const spent = (row) => row.spend?.[unit] ?? null;
  const rows = placedRows(spent, reached);
  const traces = marks(rows, spent, reached, `%{x:,.4s} ${unit}, ${quality()} %{y:.4f}`);
  $("spend-hint").textContent =
    `Per seed; every stage of training counts, a reused one too. Quality: the mean over tasks of their primary metric, on the test split. ${namesHint(rows)}`;
  const [least, most] = limits(traces.flatMap((trace) => trace.x));
  draw("spend-plot", traces, {
    xaxis: axis(`${unit} per seed`, most / least < 4 ? {} : { type: "log", dtick: most / least < 10 ? "D1" : "D2", tickformat: "~s" }), yaxis: axis(`mean ${quality()} over tasks`),
  });
  nameMarks("spend-plot", names(rows, spent, reached, (row) => row.pareto));
}
