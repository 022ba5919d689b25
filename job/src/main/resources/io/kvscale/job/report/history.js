// The scales of earlier runs of the same log, as a sparkline for each slot.
const runTimes = data.history.times.map(time => Date.parse(time));
const day = time => time.slice(0, 16).replace("T", " ");
const percentChange = (from, to) => (to < from ? "\u2212" : "+") + Math.abs(100 * (to / from - 1)).toFixed(1) + " %";

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

// The color is that of the text, so that it suits both color schemes and paper.
function sparkline(scales, label) {
  const width = 132, height = 26, edge = 3;
  const known = scales.filter(scale => scale !== null);
  const least = Math.min(...known), span = Math.max(...known) - least;
  const first = runTimes[0], time = runTimes[runTimes.length - 1] - first;
  const at = i => [
    edge + (width - 2 * edge) * (time > 0 ? (runTimes[i] - first) / time : i / Math.max(1, scales.length - 1)),
    span > 0 ? height - edge - (height - 2 * edge) * (scales[i] - least) / span : height / 2
  ].map(x => Number(x.toFixed(1)));
  let path = "";
  scales.forEach((scale, i) => {
    if (scale !== null) {
      path += (i > 0 && scales[i - 1] !== null ? "L" : "M") + at(i).join(" ");
    }
  });
  const last = scales.reduce((found, scale, i) => scale === null ? found : i, 0);
  const [cx, cy] = at(last);
  return svg("svg", {width, height, viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": label},
    svg("path", {d: path, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linejoin": "round"}),
    svg("circle", {cx, cy, r: 2.5, fill: "currentColor"}));
}

function historyRow(layer) {
  return [layer, ...roles.flatMap(role => {
    const scales = data.history.scales[layer + "/" + role];
    if (!scales) {
      return ["", "", "", ""];
    }
    const there = scales.map((scale, i) => ({scale, i})).filter(one => one.scale !== null);
    const first = there[0], last = there[there.length - 1];
    const change = percentChange(first.scale, last.scale);
    return [sparkline(scales, letter[role] + " of layer " + layer + ": " + short(first.scale) + " on " + day(data.history.times[first.i])
      + ", " + short(last.scale) + " on " + day(data.history.times[last.i]) + ", " + change), short(first.scale), short(last.scale), change];
  })];
}

// The slot whose scale differs most from that of the run before.
function furthest(i) {
  let most = null;
  for (const [slot, scales] of Object.entries(data.history.scales)) {
    if (scales[i] !== null && scales[i - 1] !== null) {
      const distance = Math.abs(Math.log(scales[i] / scales[i - 1]));
      most = most === null || distance > most.distance ? {slot, distance, from: scales[i - 1], to: scales[i]} : most;
    }
  }
  if (most === null) {
    return "no slot in common";
  }
  const [layer, role] = most.slot.split("/");
  return most.distance === 0 ? "none" : "layer " + layer + " " + letter[role] + ", " + percentChange(most.from, most.to);
}

function historySection() {
  const times = data.history.times;
  const last = times.length - 1;
  const all = el("div");
  const section = el("section", {id: "history", "aria-labelledby": "history-title"},
    el("h2", {id: "history-title"}, "History"),
    el("p", {class: "lead"}, "The greatest scale of each slot in " + times.length + " runs, from " + day(times[0]) + " to "
      + day(times[last]) + " (UTC). Each line has a range of its own. Largest change since the run before: " + furthest(last) + "."),
    table("Scales by run", ["layer", ...roles.flatMap(role => [letter[role] + " by time", letter[role] + " first", letter[role] + " last",
      letter[role] + " change"])], layers.map(historyRow)),
    all);
  folded(all, "Runs as a table", () => table("Runs, the newest first", ["began (UTC)", "largest change since the run before"],
    times.map((time, i) => [day(time), i === 0 ? "" : furthest(i)]).reverse(), [1]));
  byId("scales").after(section);
  const link = el("a", {href: "#history"}, "History");
  document.querySelector('nav a[href="#scales"]').after(link);
}

historySection();
