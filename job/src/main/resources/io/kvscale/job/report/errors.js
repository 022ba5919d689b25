// The error of common schemes over all values of a slot, computed from its histogram.
const SQNR = 0, MSE = 1, SATURATED = 2, CODES = 3;
const formats = [...new Set(data.candidates.map(candidate => candidate.format))];
const candidateOf = (format, observer) =>
  data.candidates.findIndex(one => one.format === format && one.fields.observer === observer);
const db = sqnr => sqnr === null ? "exact" : sqnr.toFixed(1);

function errors() {
  const host = byId("error-body");
  if (!data.slots.some(slot => slot.errors)) {
    withoutHistograms(host);
    return;
  }
  const picture = el("div", {class: "chart"});
  const chosenTable = el("div", {id: "error-slot"});
  const all = el("div", {id: "error-table"});
  host.replaceChildren(
    el("p", {class: "lead"}, "Signal-to-quantization-noise ratio (SQNR) over all values, in decibels; higher is better, "
      + "6 dB more halves the error. Each format uses one scale for all heads, from observer mse (solid) or static_minmax (dashed)."
      + (data.slots.some(slot => slot.approximate) ? " The numbers are approximate: F32 values were rounded to bf16." : "")),
    picture, chosenTable, all, el("h3", {}, "Most sensitive slots"), ranking());
  if (layers.length > 1) {
    slotCharts.push(chart(picture, errorChart));
  } else {
    picture.remove();
  }
}

// The error of the recipe's scales; for scales by channel or group, which have none here, that of FP8.
const judged = slot => slot.own || slot.errors[candidateOf("fp8_e4m3", "static_minmax")];

function ranking() {
  const worst = data.slots.filter(slot => slot.errors && judged(slot)[SQNR] !== null)
    .sort((a, b) => judged(a)[SQNR] - judged(b)[SQNR]).slice(0, 8);
  return el("div", {},
    el("p", {class: "lead"}, "The slots with the lowest SQNR under " + (data.slots.every(slot => slot.own) ? "the scales of this recipe"
      : "FP8 e4m3, or under the recipe where its scales are by tensor or attn_head") + ". kvscale advise recommends a format for each slot."),
    el("ol", {class: "cases"}, ...worst.map(slot => el("li", {}, slotLink({
      slot: slot.layer + "/" + slot.role,
      text: "layer " + slot.layer + " " + letter[slot.role] + ": " + db(judged(slot)[SQNR]) + " dB"
    })))));
}

function errorChart(width) {
  const c = colours();
  const there = slotsOf(chosen.role).filter(slot => slot.errors);
  const line = (format, observer, i) => ({
    name: formatName(format) + (observer === "mse" ? "" : ", static_minmax"), type: "line", symbol: "circle", symbolSize: observer === "mse" && there.length <= 60 ? 4 : 2,
    lineStyle: {color: c.set[i], width: observer === "mse" ? 2 : 1.2, type: observer === "mse" ? "solid" : "dashed"},
    itemStyle: {color: c.set[i]},
    data: there.map(slot => {
      const sqnr = slot.errors[candidateOf(format, observer)][SQNR];
      return sqnr === null ? "-" : sqnr;
    })
  });
  const mean = format => {
    const all = there.map(slot => slot.errors[candidateOf(format, "mse")][SQNR]).filter(x => x !== null);
    return all.length ? (all.reduce((a, b) => a + b, 0) / all.length).toFixed(1) : "no";
  };
  return {
    height: width < 500 ? 320 : 360,
    label: "Line chart of the SQNR of the " + roleWord[chosen.role] + " by layer and format. Averages with observer "
      + "mse: " + formats.map(format => formatName(format) + " " + mean(format) + " dB").join(", ") + ". The tables below have the numbers.",
    option: {
      grid: {left: 56, right: 16, top: width < 500 ? 66 : 42, bottom: 44},
      legend: {top: 4, left: 36, textStyle: {color: c.ink}, itemGap: 14, data: formats.map(format => formatName(format))},
      tooltip: tooltip(points => tip("Layer " + points[0].axisValue,
        ...points.filter(p => p.value !== "-").map(p => p.seriesName + ": " + Number(p.value).toFixed(1) + " dB")), {trigger: "axis"}),
      xAxis: categories("layer", there.map(slot => slot.layer)),
      yAxis: axis("value", "dB", {nameGap: 44, scale: true}),
      series: formats.flatMap((format, i) => [line(format, "static_minmax", i), line(format, "mse", i)])
    }
  };
}

function showErrors(slot) {
  if (!slot.errors) {
    return;
  }
  const row = (name, error, own) => [name, db(error[SQNR]), short(error[MSE]), share(error[SATURATED], slot.count),
    group(error[CODES]), own];
  byId("error-slot").replaceChildren(
    el("h3", {}, "Error by scheme, layer " + slot.layer + ", " + roleWord[slot.role]),
    table("SQNR, mean squared error, saturated values and codes used by scheme",
      ["scheme", "SQNR, dB", "MSE", "saturated", "codes used", ""],
      [...(slot.own ? [row(describe(data.schemes[slot.scheme]), slot.own, "this recipe")] : []),
        ...data.candidates.map((candidate, i) =>
          row(formatName(candidate.format) + ", " + candidate.fields.observer, slot.errors[i], ""))], [5]));
  folded(byId("error-table"), "SQNR of all layers as a table", () => table(
    "SQNR in dB of the " + roleWord[slot.role] + " by layer, format and observer",
    ["layer", ...formats.flatMap(format => [formatName(format) + " static_minmax", "mse"])],
    slotsOf(slot.role).filter(one => one.errors).map(one => [one.layer, ...one.errors.map(error => db(error[SQNR]))])));
}

const share = (part, whole) => part === 0 ? "0" : group(part) + " (" + short(100 * part / whole) + " %)";
