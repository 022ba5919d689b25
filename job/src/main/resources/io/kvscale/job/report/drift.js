// The page of a drift.
const drift = data.drift;
const limits = drift.limits;
const allLayers = drift.layers.map(layer => layer.layer);
const allRoles = Object.keys(letter).filter(role => drift.layers.some(layer => layer[role]));
const slotName = at => "layer " + at.layer + " " + letter[at.role];
const percent = share => share === null ? "?" : share === 0 ? "0" : short(100 * share);
const changed = change => change === null ? "?" : change.change === null ? "\u2013"
  : (change.change < 0 ? "\u2212" : "+") + Math.abs(100 * change.change).toFixed(1);
const tenths = x => x === null ? "?" : exact((Number(x.toFixed(2)) + 0).toFixed(2));
let role = allRoles[0];

function head() {
  byId("summary").append(drift.summary);
  const compared = drift.layers.reduce((n, layer) => n + allRoles.filter(one => layer[one]).length, 0);
  const facts = [
    ["Slots compared", group(compared)],
    ["Beyond a limit", group(drift.exceeding.length)],
    ["Limit of clipped values", limits.saturated === null ? "none" : percent(limits.saturated) + " %"],
    ["Limit of lost SQNR", limits.sqnr_loss_db === null ? "none" : limits.sqnr_loss_db + " dB"]
  ];
  byId("facts").append(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  const kind = el("span", {class: "kind"}, drift.drifted ? "Drifted" : "Fits");
  const none = limits.saturated === null && limits.sqnr_loss_db === null;
  byId("exceeding-body").append(el("article", {class: drift.drifted ? "finding grave" : "finding"}, el("p", {}, none ? "" : kind,
    none ? "No limits were given. See --fail-saturated and --fail-sqnr-loss of kvscale drift."
      : drift.drifted ? count(drift.exceeding.length, "slot exceeds", "slots exceed") + " a limit." : "No slot exceeds a limit."),
  ...exceeding()));
  if (drift.unscaled.length > 0) {
    byId("exceeding-body").append(el("p", {class: "fine"}, "Not compared, because they have no scales: "
      + drift.unscaled.map(slotName).join(", ") + "."));
  }
}

function exceeding() {
  const few = 8;
  const items = drift.exceeding.map(at => el("li", {}, slotName(at) + ": "
    + [at.saturated ? "clipped values" : "", at.sqnr_loss ? "loss of SQNR" : ""].filter(word => word).join(" and ")));
  return [el("ul", {class: "cases"}, ...items.slice(0, few)), ...(items.length <= few ? [] : [el("details", {},
    el("summary", {}, count(items.length - few, "more", "more")), el("ul", {class: "cases"}, ...items.slice(few)))])];
}

// One bar for each layer and series. `limit`: a dashed line.
function bars(id, {words, unit, series, limit = null, textOf}) {
  const build = width => {
    const c = colours();
    const of = one => drift.layers.map(layer => layer[role] ? one.of(layer[role]) : null);
    const drawn = series(c).map(one => ({name: one.name, type: "bar", barMaxWidth: 18, itemStyle: {color: one.color},
      data: of(one).map(x => x === null ? "-" : x)}));
    const numbers = drawn.flatMap(one => one.data).filter(Number.isFinite);
    drawn[drawn.length - 1].markLine = limit === null ? undefined : {silent: true, symbol: "none", label: {show: false},
      lineStyle: {color: c.limit, type: "dashed", width: 1.5}, data: [{yAxis: limit}]};
    return {
      height: width < 500 ? 230 : 250,
      label: numbers.length === 0 ? "Empty bar chart: the " + words + " of the " + roleWord[role] + " is not known."
        : "Bar chart of the " + words + " of the " + roleWord[role] + " by layer: at most " + textOf(Math.max(...numbers))
          + (limit === null ? "" : ", the limit is " + textOf(limit)) + ". The table below has the numbers.",
      option: {
        grid: {left: 62, right: 16, top: drawn.length > 1 ? 34 : 16, bottom: 44},
        legend: drawn.length > 1 ? {top: 4, left: 48, textStyle: {color: c.ink}} : {show: false},
        title: numbers.length > 0 ? undefined : {text: "not known", left: "center", top: "middle",
          textStyle: {color: c.quiet, fontSize: 13, fontWeight: "normal"}},
        tooltip: tooltip(points => tip("Layer " + points[0].axisValue, ...points.filter(p => p.value !== "-")
          .map(p => (p.seriesName.startsWith("series") ? "" : p.seriesName + ": ") + textOf(Number(p.value)))), {trigger: "axis"}),
        xAxis: categories("layer", allLayers, {axisLine: {onZero: false, lineStyle: {color: c.line}}}),
        yAxis: axis("value", unit, {nameGap: 46, axisLabel: {color: c.quiet, fontSize: 11, formatter: short},
          max: limit === null ? undefined : range => range.max > limit ? null : 1.1 * limit}),
        series: drawn
      }
    };
  };
  return chart(byId(id), build);
}

function slotsTable() {
  const percentiles = Object.keys(drift.layers[0][allRoles.find(one => drift.layers[0][one])]).filter(name => /^p[0-9.]+$/.test(name));
  return table("All slots, the worst first", ["slot", "clipped before, %", "clipped, %", "SQNR, dB", "fitted, dB", "loss, dB", "absmax, %",
    ...percentiles.map(name => name + ", %"), "distance"],
  drift.worst_first.map(at => {
    const slot = drift.layers.find(layer => layer.layer === at.layer)[at.role];
    return [slotName(at), percent(slot.clipped_share.from), percent(slot.clipped_share.to), tenths(slot.sqnr_db),
      tenths(slot.fitted_sqnr_db), tenths(slot.loss_db), changed(slot.absmax), ...percentiles.map(name => changed(slot[name])),
      slot.ks_distance === null ? "?" : short(slot.ks_distance)];
  }));
}

function controls(entries) {
  for (const one of Object.keys(letter)) {
    const button = byId("role-" + one);
    button.disabled = !allRoles.includes(one);
    button.hidden = one === "query" && button.disabled;
    button.setAttribute("aria-pressed", String(one === role));
    button.addEventListener("click", () => {
      role = one;
      Object.keys(letter).forEach(other => byId("role-" + other).setAttribute("aria-pressed", String(other === role)));
      entries.forEach(draw);
    });
  }
}

head();
controls([
  bars("clipped-chart", {words: "share of clipped values", unit: "%", textOf: x => short(x) + " %",
    limit: limits.saturated === null ? null : 100 * limits.saturated,
    series: c => [
      {name: "older data", color: c.quiet, of: slot => slot.clipped_share.from === null ? null : 100 * slot.clipped_share.from},
      {name: "newer data", color: c[role], of: slot => slot.clipped_share.to === null ? null : 100 * slot.clipped_share.to}]}),
  bars("loss-chart", {words: "loss of SQNR", unit: "dB", textOf: x => tenths(x) + " dB", limit: limits.sqnr_loss_db,
    series: c => [{color: c[role], of: slot => slot.loss_db}]}),
  bars("distance-chart", {words: "distance of the distributions", unit: "", textOf: short,
    series: c => [{color: c[role], of: slot => slot.ks_distance}]})
]);
byId("slots-table").append(slotsTable());
byId("provenance-body").append(pairs([
  ["Older data", named(drift.from)],
  ["Newer data", named(drift.to)],
  ["Deployed scales", el("span", {}, named(drift.scales), " ", el("code", {}, drift.scales_sha256))],
  ["Created by", "kvscale " + data.version]
]));
document.documentElement.dataset.ready = "yes";
