// What all figures share: colours, axes, and drawing with Plotly.
"use strict";
const MOST_TICKS = 8;
const MOST_ENTRIES = 24; // of a legend
const NARROW = 620;
const PLOT_HEIGHT = 440;
// The text width of an A4 page, and of a letter page, inside their margins.
const PAPER_WIDTH = 690;
const PAPER_LEAST = 210; // of a panel
const PAPER_HEIGHT = 860; // of a figure
const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "hexagram"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const printing = () => document.documentElement.classList.contains("print");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Plotly reads a little HTML in its texts.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
// Colours and symbols have no common divisor, so 56 names have a mark of their own.
const colour = (i) => (colours[i % colours.length] === "#000000" ? ink("--ink") : colours[i % colours.length]);
const symbol = (i) => SYMBOLS[i % SYMBOLS.length];
const faint = (shade) => (/^#[0-9a-f]{6}$/i.test(shade) ? `${shade}1f` : shade);
const widthOf = (id) => (printing() ? PAPER_WIDTH : $(id).clientWidth);
const narrow = (id) => widthOf(id) < NARROW;

function axis(title, more = {}) {
  return {
    title: { text: plain(title), standoff: 8 }, gridcolor: ink("--line"), zerolinecolor: ink("--line"),
    linecolor: ink("--line"), automargin: true, exponentformat: "none", ...more,
  };
}

// Ticks at whole numbers, of an axis that shows `span` of them.
const whole = (span) => ({ tick0: 0, dtick: Math.max(1, Math.ceil(span / MOST_TICKS)) });

// The least and the largest of many values.
const limits = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

// From the least to the largest value, with half as much beside: wider error bars are cut off.
function around(values) {
  const [low, high] = limits(values);
  const room = (high - low) / 2 || Math.abs(high) / 20 || 1;
  return [low - room, high + room];
}

const drawn = (trace) => trace.showlegend !== false && trace.name;

// Below a narrow figure the legend gets its own room.
function legendBelow(id, traces, height, itemsizing) {
  const names = traces.filter(drawn).map(({ name }) => name.length);
  const columns = Math.max(1, Math.floor((widthOf(id) - 80) / (7 * Math.max(1, ...names) + 50)));
  return { height: height + 20 * Math.ceil(names.length / columns), legend: { orientation: "h", itemsizing, y: -58 / (height - 76), yanchor: "top" } };
}

function draw(id, traces, layout) {
  const { height = PLOT_HEIGHT } = layout;
  // Large marks of baselines would be large in the legend too; lines would be thick.
  const itemsizing = traces.some(({ mode }) => mode === "lines+markers") ? "trace" : "constant";
  const below = narrow(id) || printing() || layout.legend === "below";
  return Plotly.react($(id), traces, {
    margin: { l: 60, r: 20, t: 26, b: 50 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink("--ink"), family: "system-ui, sans-serif", size: 13 }, hovermode: "closest", modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--accent") },
    hoverlabel: { bgcolor: ink("--panel"), bordercolor: ink("--line"), font: { color: ink("--ink") } },
    showlegend: traces.filter(drawn).length <= MOST_ENTRIES,
    ...layout, ...(below ? legendBelow(id, traces, height, itemsizing) : { height, legend: { itemsizing } }), width: widthOf(id),
  }, { displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] });
}

function nothing(id, why) {
  Plotly.purge($(id));
  $(id).replaceChildren(make("p", why, { class: "notice" }));
}

const tasksShown = () => board().tasks.map((_, task) => task).filter((task) => view.task === "" || task === +view.task);
const linesOf = (id, tasks, least) => Math.ceil(tasks / columnsOf(id, tasks, least));
const columnsOf = (id, tasks, least) => Math.max(1, Math.min(tasks, Math.floor(widthOf(id) / (printing() ? PAPER_LEAST : least))));

// One panel per task that the filter leaves; `tracesOf` gives those of a task, `axesOf` its axes.
function panels(id, least, lineHeight, tracesOf, axesOf, more = {}) {
  const tasks = tasksShown();
  const [columns, lines] = [columnsOf(id, tasks.length, least), linesOf(id, tasks.length, least)];
  const layout = { height: lineHeight * lines + 80, annotations: [], margin: { l: 60, r: 20, t: 48, b: 50 },
    grid: { rows: lines, columns, pattern: "independent", ygap: 90 / lineHeight }, ...more };
  const traces = tasks.flatMap((task, panel) => tracesOf(task).map((trace) => ({
    ...trace, xaxis: `x${panel ? panel + 1 : ""}`, yaxis: `y${panel ? panel + 1 : ""}`, showlegend: panel === 0 && trace.showlegend !== false,
  })));
  tasks.forEach((task, panel) => {
    const suffix = panel ? panel + 1 : "";
    const { x, y } = axesOf(task, traces.filter(({ xaxis }) => xaxis === `x${suffix}`), panel % columns === 0);
    layout[`xaxis${suffix}`] = x;
    layout[`yaxis${suffix}`] = y;
    layout.annotations.push({ text: plain(board().tasks[task]), showarrow: false, xref: `x${suffix} domain`, yref: `y${suffix} domain`, x: 0.5, y: 1, yanchor: "bottom", font: { size: 14 } });
  });
  return draw(id, traces, layout);
}
