// How the scales change with the number of tokens: a small chart for each of the worst slots, and all of them as a table.
const curves = data.convergence;
const lines = [["scale", "scale"], ["absmax", "max |x|"], ["p99.99", "99.99 % of |x|"]];
const inPercent = (x, last) => x === null || !last ? null : 100 * x / last;
const sizeWord = n => n < 1e3 ? String(n) : n < 1e6 ? short(n / 1e3) + "k" : short(n / 1e6) + "M";

function convergence() {
  const section = el("section", {id: "convergence", "aria-labelledby": "convergence-title"},
    el("h2", {id: "convergence-title"}, "How much is enough?"),
    el("article", {class: curves.stable_since_tokens === null ? "finding grave" : "finding"},
      el("p", {}, curves.verdict.charAt(0).toUpperCase() + curves.verdict.slice(1) + ".")));
  byId("unit").before(section);
  document.querySelector('nav a[href="#unit"]').before(el("a", {href: "#convergence"}, "Convergence"), "\n");
  if (curves.tokens.length < 2) {
    return;
  }
  const more = data.slots.length - curves.worst_first.length;
  section.append(el("p", {class: "lead"}, "Each chart compares parts of the corpus with the whole, for one slot: 100 % is the value of all "
    + count(curves.tokens[curves.tokens.length - 1], "token") + ". Parts are chosen by a hash of the names of samples and double in size. The "
    + "band is \u00b1" + short(100 * curves.tolerance) + " %. "
    + (more > 0 ? "The worst " + curves.worst_first.length + " slots are shown; " + count(more, "other slot needs", "other slots need")
      + " no more tokens than these." : "")));
  const shown = lines.filter(([field]) => field in curves.worst_first[0]);
  const dots = el("p", {class: "fine", "aria-hidden": "true"});
  section.append(dots);
  const legend = () => dots.replaceChildren(...shown.flatMap(([, word], i) => [
    el("span", {style: "color:" + colours().set[i]}, i === 0 ? "\u25cf" : i === 1 ? "\u25c6" : "\u25b2"), " " + word + "\u2003"]));
  legend();
  prefersDark.addEventListener("change", legend);
  const grid = el("div", {style: "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.25rem 1rem"});
  section.append(grid);
  for (const slot of curves.worst_first) {
    const host = el("div", {class: "chart", style: "height:180px"});
    grid.append(el("div", {style: "min-width:0"},
      el("h3", {style: "margin:.75rem 0 0"}, "Layer " + slot.layer + " " + roleWord[slot.role]),
      el("p", {class: "fine", style: "margin:0;font-size:.82rem"}, since(slot)), host));
    chart(host, () => curveChart(slot, shown));
  }
  const all = el("div");
  section.append(all);
  folded(all, "Differences of the scales as a table", () => table(
    "Largest difference of a scale to that of the whole corpus, in %, by tokens",
    ["slot", "stable since", ...curves.tokens.slice(0, -1).map(n => group(n))],
    curves.worst_first.map(slot => ["layer " + slot.layer + " " + letter[slot.role],
      slot.stable_since_tokens === null ? "not stable" : group(slot.stable_since_tokens),
      ...slot.change.slice(0, -1).map(x => x === null ? "\u2013" : short(100 * x))])));
}

function since(slot) {
  const last = slot.change[slot.change.length - 2];
  return slot.stable_since_tokens !== null ? "stable since " + count(slot.stable_since_tokens, "token")
    : "not stable: " + (last === null ? "too little data" : short(100 * last) + "\u00a0% in the last doubling");
}

function curveChart(slot, shown) {
  const c = colours();
  const last = field => slot[field][slot[field].length - 1];
  const band = 100 * curves.tolerance;
  const series = shown.map(([field, word], i) => ({
    name: word, type: "line", symbol: i === 0 ? "circle" : i === 1 ? "diamond" : "triangle", symbolSize: i === 0 ? 6 : 5, z: 5 - i,
    lineStyle: {color: c.set[i], width: i === 0 ? 2 : 1.2, type: i === 0 ? "solid" : "dashed"}, itemStyle: {color: c.set[i]},
    data: curves.tokens.map((n, at) => [n, inPercent(slot[field][at], last(field))]),
    markArea: i > 0 ? undefined : {silent: true, itemStyle: {color: c.out}, data: [[{yAxis: 100 - band}, {yAxis: 100 + band}]]}
  }));
  const seen = series.flatMap(one => one.data.map(point => point[1])).filter(y => y !== null);
  const below = Math.max(2 * band, ...seen.map(y => 100 - y));
  const above = Math.max(2 * band, ...seen.map(y => y - 100));
  const step = [1, 2, 5, 10, 20, 25, 50, 100].find(size => (above + below) / size <= 4) ?? Math.ceil((above + below) / 400) * 100;
  return {
    height: 180,
    label: "Line chart for layer " + slot.layer + " " + roleWord[slot.role] + ": " + since(slot) + ". The table below has the numbers.",
    option: {
      grid: {left: 44, right: 14, top: 10, bottom: 40},
      tooltip: tooltip(points => tip(count(points[0].value[0], "token"),
        ...points.filter(p => p.value[1] !== null).map(p => p.seriesName + ": " + short(p.value[1]) + " %")), {trigger: "axis"}),
      xAxis: axis("log", "tokens", {nameGap: 24, min: curves.tokens[0], max: curves.tokens[curves.tokens.length - 1], splitLine: {show: false},
        axisLabel: {color: c.quiet, fontSize: 11, hideOverlap: true, formatter: sizeWord}}),
      yAxis: axis("value", "", {min: Math.floor((100 - below) / step) * step, max: Math.ceil((100 + above) / step) * step,
        interval: step, axisLabel: {color: c.quiet, fontSize: 11, formatter: "{value} %"}}),
      series
    }
  };
}

convergence();
