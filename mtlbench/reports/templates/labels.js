// Names beside the marks of a plot, as many as have room.
"use strict";
const MOST_LABELS = 40;
const SIZE = 11;
const MARK = 6; // half a mark
const SAME = 4; // pixels; marks that are closer share a label
const SIDES = [[1, -1], [-1, -1], [1, 1], [-1, 1], [0, -1], [0, 1], [1, 0], [-1, 0]];
const DISTANCES = [10, 26, 46];
const pen = document.createElement("canvas").getContext("2d");

const apart = (a, b) => a.left > b.right || b.left > a.right || a.top > b.bottom || b.top > a.bottom;
const boxAround = ({ at: [x, y] }) => ({ left: x - MARK, right: x + MARK, top: y - MARK, bottom: y + MARK });

function boxBeside([x, y], width, [across, down], distance) {
  const reach = across && down ? distance * 0.7 : distance;
  const start = (at, side, size) => (side > 0 ? at + reach : side < 0 ? at - reach - size : at - size / 2);
  const [left, top] = [start(x, across, width), start(y, down, SIZE + 3)];
  return { left, top, right: left + width, bottom: top + SIZE + 3 };
}

// The marks that are shown, those at the same place as one: "RMTL +2".
function together(points, frame) {
  const found = [];
  for (const point of points) {
    const [x, y] = point.at;
    if (x < 0 || y < 0 || x > frame.right || y > frame.bottom) continue;
    const same = found.find(({ at }) => Math.abs(at[0] - x) < SAME && Math.abs(at[1] - y) < SAME);
    if (same) same.more += 1;
    else found.push({ ...point, more: 0 });
  }
  return found;
}

// A free place for the name of each of `points`, the first ones first; the others go without. On a bar only if need be.
function placed(points, bars, frame) {
  const taken = points.map(boxAround);
  const inside = (box) => box.left >= 0 && box.top >= 0 && box.right <= frame.right && box.bottom <= frame.bottom;
  const free = (box, others) => inside(box) && others.every((other) => apart(box, other));
  const found = [];
  for (const point of points) {
    const text = point.more ? `${point.name} +${point.more}` : point.name;
    const width = pen.measureText(text).width + 2;
    const places = DISTANCES.flatMap((distance) => SIDES.map((side) => ({ side, distance, box: boxBeside(point.at, width, side, distance) })));
    const possible = places.filter(({ box }) => free(box, taken));
    const place = possible.find(({ box }) => free(box, bars)) ?? possible[0];
    if (place) {
      taken.push(place.box);
      found.push({ point, text, ...place });
    }
    if (found.length === MOST_LABELS) break;
  }
  return found;
}

function annotation({ point, text, side: [across, down], distance, box }, log) {
  const anchored = { xanchor: "left", yanchor: "top" };
  const [x, y] = [box.left - point.at[0], box.top - point.at[1]];
  const where = distance === DISTANCES[0]
    ? { showarrow: false, xshift: x, yshift: -y, ...anchored }
    : { showarrow: true, arrowhead: 0, arrowwidth: 0.7, arrowcolor: ink("--quiet"), standoff: MARK,
        ax: across > 0 ? x : across < 0 ? x + box.right - box.left : 0, ay: down > 0 ? y : down < 0 ? y + box.bottom - box.top : 0,
        xanchor: across > 0 ? "left" : across < 0 ? "right" : "center", yanchor: down > 0 ? "top" : down < 0 ? "bottom" : "middle" };
  return { x: log ? Math.log10(point.x) : point.x, y: point.y, text: plain(text), font: { size: SIZE, color: ink("--ink") }, borderpad: 0, ...where };
}

// Names `points` ({ x, y, name, bars }, the most important ones first) in the drawn plot `id`, again after each zoom.
async function nameMarks(id, points) {
  const plot = $(id);
  // Where a value lies on the screen is known to the axes that Plotly has laid out, and to nobody else.
  const { xaxis, yaxis } = plot._fullLayout;
  const frame = { right: xaxis._length, bottom: yaxis._length };
  pen.font = `${SIZE}px system-ui, sans-serif`;
  const at = (x, y) => [xaxis.d2p(x), yaxis.d2p(y)];
  const box = ([[left, bottom], [right, top]]) => ({ left, right, top, bottom });
  const bars = points.flatMap((point) => point.bars).map((ends) => box(ends.map(([x, y]) => at(x, y))));
  const found = placed(together(points.map((point) => ({ ...point, at: at(point.x, point.y) })), frame), bars, frame);
  plot.removeAllListeners("plotly_relayout");
  await Plotly.relayout(plot, { annotations: found.map((one) => annotation(one, xaxis.type === "log")) });
  plot.removeAllListeners("plotly_relayout"); // of a drawing meanwhile
  plot.on("plotly_relayout", () => nameMarks(id, points));
}
