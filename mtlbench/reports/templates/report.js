// The table and its filters. What records say reaches the page through textContent alone.
"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const content = read("content");
const colours = read("colours");
const $ = (id) => document.getElementById(id);
// More rows than these are sorted by rank to begin with, and shown when asked for.
const MOST_ROWS = 100;
const view = { board: 0, backbone: "", weighting: "", task: "", metric: "", search: "", sort: null, all: false };
const metricOf = Object.fromEntries(content.metrics.map((metric) => [metric.name, metric]));
// Of the metric filter: of each task the metric that ranks methods.
const PRIMARY = "primary";
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const board = () => content.boards[view.board];
const rank = (row) => row.rank;
const number = (value, digits, least = 0) =>
  value === null || value === undefined
    ? null
    : value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: least });

function columns() {
  const shown = board().columns
    .map(([task, metric], place) => ({ task, metric, place }))
    .filter(({ task, metric }) => (view.task === "" || task === +view.task) && (view.metric === "" || metric === (view.metric === PRIMARY ? board().primary[task] : view.metric)));
  const delta = board().rows.some((row) => row.delta);
  return [
    { key: "method", name: "Method", of: (row) => row.method, lower: true },
    ...shown.flatMap(({ task, metric, place }) => {
      const group = board().tasks[task];
      const { label, lower } = metricOf[metric];
      const value = { key: `value ${place}`, group, name: label, lower, of: (row) => row.values[place]?.mean ?? null, cell: (row) => row.values[place] };
      if (!board().difference || metric !== board().primary[task]) return [value];
      const found = (row) => row.values[place]?.difference ?? null;
      return [value, { key: `difference ${place}`, group, name: board().difference, lower, of: (row) => found(row)?.mean ?? null, cell: found }];
    }),
    { key: "rank", name: "Rank", of: rank, text: (row) => number(row.rank, 1, 1), lower: true },
    ...(delta ? [{ key: "delta", name: "Δm %", of: (row) => row.delta?.mean ?? null, text: (row) => row.delta && row.delta.mean.toFixed(2) }] : []),
    { key: "steps", name: "Steps", of: (row) => row.spend?.steps ?? null, text: (row) => number(row.spend?.steps, 0), lower: true },
    { key: "seconds", name: "Seconds", of: (row) => row.spend?.seconds ?? null, text: (row) => number(row.spend?.seconds, 1, 1), lower: true },
  ];
}

function shownRows() {
  const wanted = view.search.toLowerCase();
  const rows = board().rows.filter(
    (row) =>
      (view.backbone === "" || row.backbone === view.backbone) &&
      (view.weighting === "" || row.weighting === view.weighting) &&
      row.method.toLowerCase().includes(wanted),
  );
  const column = view.sort && columns().find(({ key }) => key === view.sort.key);
  if (!column) return rows;
  const sign = view.sort.ascending ? 1 : -1;
  return rows
    .map((row) => [column.of(row), row])
    .sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // rows without a value stay at the end
      return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    })
    .map(([, row]) => row);
}

function sortBy(column) {
  const again = view.sort?.key === column.key;
  view.sort = { key: column.key, ascending: again ? !view.sort.ascending : Boolean(column.lower) };
  drawTable();
  document.querySelector(`[data-key="${column.key}"]`).focus();
  drawFigures();
}

function headCell(column) {
  const cell = make("th", null, { scope: "col" });
  // A head that is repeated on each sheet of paper has no buttons: browsers leave them out.
  const inner = printing() ? cell : make("button", null, { type: "button", "data-key": column.key });
  if (column.group) inner.append(make("small", column.group));
  inner.append(column.name);
  if (inner !== cell) {
    inner.addEventListener("click", () => sortBy(column));
    cell.append(inner);
  }
  if (view.sort?.key === column.key) cell.setAttribute("aria-sort", view.sort.ascending ? "ascending" : "descending");
  return cell;
}

function bodyCell(row, column) {
  const cell = column.key === "method" ? make("th", null, { scope: "row" }) : make("td");
  if (column.key === "method") {
    const name = row.cells.length ? make("button", row.method, { type: "button" }) : make("span", row.method);
    name.addEventListener("click", () => row.cells.length && showDetails(row));
    cell.append(name);
    for (const text of [row.gap, row.equals && `equal to ${row.equals}`, row.flags.join(", ")])
      if (text) cell.append(make("br"), make("small", text));
  } else if (column.cell) {
    const value = column.cell(row);
    cell.append(value ? value.text : "–");
    if (value) cell.append(make("small", `${value.spread}${value.marks ?? ""}`));
    if (value?.best) cell.className = "best";
  } else {
    cell.append(column.text(row) ?? "–");
  }
  return cell;
}

function fill(table, shown, rows) {
  const head = make("tr");
  head.append(...shown.map(headCell));
  const lines = rows.map((row) => {
    const line = make("tr", null, row.state === "complete" || row.state === "optimum" ? {} : { class: "gap" });
    line.append(...shown.map((column) => bodyCell(row, column)));
    return line;
  });
  const thead = make("thead");
  thead.append(head);
  const tbody = make("tbody");
  tbody.append(...lines);
  table.replaceChildren(make("caption", board().title), thead, tbody);
  return table;
}

// The columns in groups as wide as the paper, each group with the methods: paper does not scroll.
function onPaper(shown) {
  const [first, ...widths] = [...document.querySelectorAll("#table thead th")].map((cell) => cell.getBoundingClientRect().width);
  const groups = [];
  let room = -1;
  widths.forEach((width, i) => {
    if (width > room) {
      groups.push([shown[0]]);
      room = PAPER_WIDTH - first;
    }
    groups.at(-1).push(shown[i + 1]);
    room -= width;
  });
  return groups;
}

function drawTable() {
  const shown = columns();
  const rows = shownRows();
  const some = view.all ? rows : rows.slice(0, MOST_ROWS);
  const table = fill($("table"), shown, some);
  $("tables").replaceChildren(table);
  if (printing()) {
    const [first, ...more] = onPaper(shown);
    fill(table, first, some);
    $("tables").append(...more.map((group) => fill(make("table"), group, some)));
  }
  const hidden = some.length < rows.length ? `, the first ${some.length} shown` : "";
  $("all").hidden = !hidden;
  $("count").textContent = `${number(rows.length, 0)} of ${number(board().rows.length, 0)} methods${hidden}`;
  $("verdict").textContent = board().verdict ?? "";
  $("caption").replaceChildren(...board().caption.map((text) => make("p", text)));
}

function options(id, entries, all) {
  const before = $(id).value;
  $(id).replaceChildren(...(all ? [make("option", all, { value: "" })] : []));
  for (const [value, text] of entries) $(id).append(make("option", text, { value }));
  if ([...$(id).options].some(({ value }) => value === before)) $(id).value = before;
}

function fillFilters() {
  const names = (kind) => [...new Set(board().rows.map((row) => row[kind]).filter(Boolean))].map((name) => [name, name]);
  const tasks = board().tasks.map((task, i) => [String(i), task]);
  options("backbone", names("backbone"), "all");
  options("weighting", names("weighting"), "all");
  options("task", tasks, "all");
  options("x-task", tasks);
  options("y-task", tasks);
  if (tasks.length > 2) $("metric").value = PRIMARY; // all metrics of many tasks are too many columns to begin with
  if (tasks.length > 1 && $("x-task").value === $("y-task").value) $("y-task").value = "1";
}

function startBoard() {
  view.sort = board().rows.length > MOST_ROWS ? { key: "rank", ascending: true } : null;
  view.all = false;
  fillFilters();
}

function filtered() {
  for (const name of ["backbone", "weighting", "task", "metric"]) view[name] = $(name).value;
  view.search = $("search").value;
  if (+$("board").value !== view.board) {
    view.board = +$("board").value;
    startBoard();
    for (const name of ["backbone", "weighting", "task", "metric"]) view[name] = $(name).value;
  }
  drawTable();
  drawFigures();
}

function start() {
  options("board", content.boards.map((one, i) => [String(i), one.title]));
  options("metric", [[PRIMARY, PRIMARY], ...content.metrics.map(({ name, label }) => [name, label])], "all");
  startBoard();
  view.metric = $("metric").value;
  const cells = content.boards.flatMap((one) => one.rows.flatMap((row) => row.cells));
  const machines = [...new Set(content.boards.flatMap((one) => one.machines))].join("; ");
  const count = content.boards.length;
  $("summary").textContent =
    `${cells.length.toLocaleString("en-US")} cells in ${count} board${count > 1 ? "s" : ""}` +
    (machines ? `, run on ${machines}` : "");
  $("filters").addEventListener("change", filtered);
  $("search").addEventListener("input", filtered);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => {
    const kept = view.board;
    setTimeout(() => {
      $("board").value = String(kept);
      filtered();
    });
  });
  $("all").addEventListener("click", () => {
    view.all = true;
    drawTable();
  });
  drawTable();
  startFigures();
}
document.addEventListener("DOMContentLoaded", start);
