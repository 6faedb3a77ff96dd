// Where a number comes from: a dialog of one method, cell by cell.
"use strict";

function facts(pairs) {
  const list = make("dl", null, { class: "facts" });
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(make("dt", name), make("dd", typeof value === "object" ? JSON.stringify(value) : String(value)));
  }
  return list;
}

function scoreTable(cell) {
  const names = [...new Set(Object.values(cell.metrics).flatMap((tasks) => tasks.flatMap(Object.keys)))];
  const table = make("table");
  const head = make("tr");
  head.append(...["split", "task", ...names].map((name) => make("th", metricOf[name]?.label ?? name.replaceAll("_", " "), { scope: "col" })));
  table.append(head);
  for (const [split, tasks] of Object.entries(cell.metrics)) tasks.forEach((scores, task) => {
    const line = make("tr");
    line.append(make("td", split), make("td", board().tasks[task]), ...names.map((name) => make("td", scores[name]?.toFixed(4) ?? "–")));
    table.append(line);
  });
  const scroll = make("div", null, { class: "scroll", tabindex: "0" });
  scroll.append(table);
  return scroll;
}

function showCell(cell) {
  for (const button of $("seeds").children) button.setAttribute("aria-pressed", String(button.dataset.cell === cell.id));
  const parts = [];
  const section = (title, ...elements) => parts.push(make("h3", title), ...elements);
  if (cell.reason) section(cell.status.replace("-", " "), make("p", cell.reason));
  if (cell.traceback) parts.push(make("pre", cell.traceback));
  if (Object.keys(cell.metrics).length) section("Scores", scoreTable(cell));
  const plot = make("div", null, { class: "plot", id: "cell-plot" });
  if (cell.curve.length) section("Learning curve", plot);
  section("Identity", facts([["cell", cell.id], ["seed", cell.seed], ["protocol", cell.protocol], ["data fingerprint", content.shared[cell.fingerprint]],
    ["checksum", cell.checksum], ["finished", cell.utc], ...Object.entries(cell.kept ?? {}).map(([stage, epoch]) => [`kept epoch, ${stage}`, epoch])]));
  section("Spend", facts(cell.spend.map((stage) => [stage.stage,
    `${number(stage.steps, 0)} steps, ${number(stage.rows, 0)} rows, ${number(stage.seconds, 1)} s, ${number(stage.peak_memory_mib, 0)} MiB` +
      (stage.reused_from ? `, reused from ${stage.reused_from.slice(0, 12)}` : "")])));
  for (const [kind, use] of Object.entries(content.shared[cell.uses])) {
    section(kind, facts([["provided by", use.version], ["source sha256", use.source], ...Object.entries(use.params)]));
  }
  section("Training", facts(Object.entries(content.shared[cell.training])));
  if (Object.keys(cell.diagnostics).length) section("Diagnostics", facts(Object.entries(cell.diagnostics)));
  section("Environment", facts(Object.entries(content.shared[cell.environment])));
  $("cell").replaceChildren(...parts);
  if (cell.curve.length) {
    const traces = board().tasks.map((task, i) => line({ method: task }, i, overCells([cell], (stage, e) => stage.validation[i][e])));
    draw("cell-plot", traces, { height: 300, xaxis: epochs(traces), yaxis: axis(`validation ${primaries()}`) });
  }
}

function showDetails(row) {
  $("details-title").textContent = row.method;
  $("details-notes").textContent = row.notes;
  const buttons = row.cells.map((cell) => {
    const button = make("button", `seed ${cell.seed}`, { type: "button", "data-cell": cell.id });
    button.addEventListener("click", () => showCell(cell));
    return button;
  });
  $("seeds").replaceChildren(...buttons);
  $("details").showModal();
  showCell(row.cells[0]);
}

$("close").addEventListener("click", () => $("details").close());
$("details").addEventListener("click", (event) => event.target === $("details") && $("details").close());
