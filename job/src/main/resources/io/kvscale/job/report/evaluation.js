// The page of an evaluation.
const evaluation = data.evaluation;
const schemes = evaluation.schemes;
const baseline = evaluation.baseline.perplexity;
const field = role => role + "_sqnr_db";
const holds = (scheme, role) => scheme.layers.some(layer => field(role) in layer);
const allLayers = [...new Set(schemes.flatMap(scheme => scheme.layers.map(layer => layer.layer)))].sort((a, b) => a - b);
const percent = share => (100 * share).toFixed(2) + " %";
const digits = x => x >= 1e5 ? short(x) : String(Number(x.toPrecision(5)));
const more = x => (x < baseline ? "\u2212" : "+") + digits(Number(Math.abs(100 * x / baseline - 100).toFixed(2))) + " %";
let role = schemes.some(scheme => holds(scheme, "key")) ? "key" : "value";

// The end of a path, which tells paths apart.
function ending(name, most) {
  const characters = [...name];
  return characters.length <= most ? name : "\u2026" + characters.slice(1 - most).join("");
}

const labelOf = (scheme, i, width) => (i + 1) + "  " + ending(scheme.scales, width < 500 ? 12 : 28);

const model = evaluation.model;

function without(scheme) {
  const layers = scheme.layers_without_scales || [];
  return layers.length === 0 ? "" : " " + count(layers.length, "layer without scales stays", "layers without scales stay")
    + " in full precision: " + layers.join(", ") + ".";
}

function head() {
  const best = schemes.reduce((a, b) => b.kl < a.kl ? b : a);
  byId("summary").append(
    count(schemes.length, "quantized cache") + " compared with the full-precision cache on "
      + count(evaluation.predicted_tokens, "predicted token") + " of " + count(evaluation.samples, "sample") + ". ",
    ...(model === undefined ? [] : ["Model: ", named(model.name), ". "]),
    schemes.length === 1 ? "" : el("span", {}, "Lowest KL divergence: ", named(best.scales), "."));
  byId("verdicts").append(...schemes.map((scheme, i) => el("p", {}, schemes.length === 1 ? "" : el("strong", {}, (i + 1) + "  "),
    named(scheme.scales), ": ", scheme.verdict, scheme.unit_verdict ? " " + scheme.unit_verdict : "",
    without(scheme))));
  const facts = [
    ["Full-precision perplexity", digits(baseline)],
    ["Samples", group(evaluation.samples)],
    ["Tokens", group(evaluation.tokens)],
    ...(evaluation.attend === "quantized" ? [["Every token attends to", "quantized K and V"]]
      : [["Chunk size", count(evaluation.chunk, "token")], ["Residual window", count(evaluation.residual_length, "token")]])
  ];
  byId("facts").append(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  byId("quality-table").append(table("Prediction quality by cache", ["", "scales", "scheme", "perplexity", "change", "KL", "top-1"],
    [["", "", "full precision", digits(baseline), "", "", ""],
      ...schemes.map((scheme, i) => [i + 1, named(scheme.scales), describe(scheme.scheme), digits(scheme.perplexity),
        more(scheme.perplexity), short(scheme.kl), percent(scheme.top1)])], [1, 2]));
}

// One bar per scheme. Points on a logarithmic axis if the values differ too much for bars.
function bars(id, words, valueOf, textOf, shown = {}) {
  if (schemes.length === 1) {
    instead(byId(id), [["Quantized cache", textOf(valueOf(schemes[0]))],
      ...(shown.line ? [["Full-precision cache", digits(shown.line)]] : [])]);
    return;
  }
  chart(byId(id), width => {
    const c = colours();
    const values = schemes.map(valueOf);
    const labels = schemes.map((scheme, i) => labelOf(scheme, i, width));
    const texts = values.map(value => textOf(value).replace(" (", width < 500 ? "\n(" : " ("));
    const widest = lines => Math.max(...lines.flatMap(text => text.split("\n")).map(line => line.length));
    const seen = [...values, ...(shown.line ? [shown.line] : [])].filter(x => x > 0);
    const logarithmic = seen.length > 0 && Math.max(...seen) > 30 * Math.min(...seen);
    return {
      height: 58 + 34 * schemes.length,
      label: (logarithmic ? "Dot plot" : "Bar chart") + " of " + words + ": "
        + schemes.map((scheme, i) => scheme.scales + " " + textOf(values[i])).join(", ")
        + (shown.line ? "; the full-precision cache " + digits(shown.line) : "") + ".",
      option: {
        grid: {left: 24 + 7.5 * widest(labels), right: 20 + 7.5 * widest(texts), top: 22, bottom: 30},
        tooltip: tooltip(p => tip(schemes[p.dataIndex].scales, describe(schemes[p.dataIndex].scheme),
          words + ": " + textOf(values[p.dataIndex])), {trigger: "item"}),
        xAxis: axis(logarithmic ? "log" : "value", "", {
          splitNumber: width < 500 ? 2 : 5,
          axisLabel: {color: c.quiet, fontSize: 11, hideOverlap: true, formatter: shown.axis || short},
          ...(logarithmic ? {} : {min: 0, max: shown.most})
        }),
        // The values are labels of a second axis, where the line of the full-precision cache cannot cross them.
        yAxis: [labels, texts].map((names, i) => categories("", names, {inverse: true,
          position: i === 0 ? "left" : "right", axisLabel: {color: c.ink, fontSize: 12, lineHeight: 14, interval: 0},
          ...(i === 0 ? {} : {axisLine: {show: false}, axisTick: {show: false}})})),
        series: [{
          type: logarithmic ? "scatter" : "bar", barMaxWidth: 18, symbolSize: 14,
          data: values.map((value, i) => ({value: logarithmic && value === 0 ? "-" : value, itemStyle: {color: c.set[i % c.set.length], opacity: 1}})),
          markLine: shown.line ? {
            silent: true, symbol: "none", lineStyle: {color: c.limit, type: "dashed", width: 1.5}, label: {show: false},
            data: [{xAxis: shown.line}]
          } : undefined
        }]
      }
    };
  });
}

function layersChart(width) {
  const c = colours();
  const there = schemes.map((scheme, i) => ({scheme, i})).filter(one => holds(one.scheme, role));
  const marks = ["circle", "diamond", "triangle", "rect"];
  const series = there.map(({scheme, i}) => {
    const at = new Map(scheme.layers.map(layer => [layer.layer, layer[field(role)]]));
    return {
      name: labelOf(scheme, i, width), type: "line", symbol: marks[i % marks.length], symbolSize: allLayers.length > 60 ? 3 : 6,
      lineStyle: {color: c.set[i % c.set.length], width: 2, type: i < c.set.length ? "solid" : "dashed"},
      itemStyle: {color: c.set[i % c.set.length]},
      data: allLayers.map(layer => Number.isFinite(at.get(layer)) ? at.get(layer) : "-")
    };
  });
  const mean = one => {
    const numbers = one.data.filter(Number.isFinite);
    return numbers.length ? (numbers.reduce((a, b) => a + b, 0) / numbers.length).toFixed(1) + " dB" : "exact";
  };
  return {
    height: (width < 500 ? 300 : 330) + 22 * Math.ceil(there.length / (width < 500 ? 2 : 3)),
    label: "Line chart of the SQNR of the " + roleWord[role] + " by layer. Averages: "
      + there.map(({scheme}, i) => scheme.scales + " " + mean(series[i])).join(", ") + ". The table below has the numbers.",
    option: {
      grid: {left: 56, right: 16, top: 22 + 22 * Math.ceil(there.length / (width < 500 ? 2 : 3)), bottom: 44},
      legend: {top: 0, left: 36, textStyle: {color: c.ink}, itemGap: 14},
      tooltip: tooltip(points => tip("Layer " + points[0].axisValue,
        ...points.filter(p => p.value !== "-").map(p => p.seriesName + ": " + Number(p.value).toFixed(1) + " dB")), {trigger: "axis"}),
      xAxis: categories("layer", allLayers),
      yAxis: axis("value", "dB", {nameGap: 44, scale: true}),
      series
    }
  };
}

const db = (layer, of) => !layer || !(field(of) in layer) ? "" : layer[field(of)] === null ? "exact" : layer[field(of)].toFixed(1);

function layers() {
  const entry = allLayers.length > 1 ? chart(byId("layers-chart"), layersChart) : null;
  const show = () => entry ? draw(entry) : instead(byId("layers-chart"), schemes.map((scheme, i) =>
    ["Layer " + allLayers.join("") + ", scales " + (i + 1), db(scheme.layers[0], role) || "full precision"]));
  if (!entry) {
    show();
  }
  for (const one of ["key", "value"]) {
    const button = byId("role-" + one);
    button.disabled = !schemes.some(scheme => holds(scheme, one));
    button.setAttribute("aria-pressed", String(one === role));
    button.addEventListener("click", () => {
      role = one;
      byId("role-key").setAttribute("aria-pressed", String(role === "key"));
      byId("role-value").setAttribute("aria-pressed", String(role === "value"));
      show();
    });
  }
  folded(byId("layers-table"), "Error by layer as a table", () => table("SQNR in dB by layer and scheme",
    ["layer", ...schemes.flatMap((scheme, i) => ["K " + (i + 1), "V " + (i + 1)])],
    allLayers.map(layer => [layer, ...schemes.flatMap(scheme => {
      const at = scheme.layers.find(one => one.layer === layer);
      return [db(at, "key"), db(at, "value")];
    })])));
}

head();
bars("perplexity-chart", "perplexity", scheme => scheme.perplexity, x => digits(x) + " (" + more(x) + ")", {line: baseline});
bars("kl-chart", "KL divergence", scheme => scheme.kl, short);
bars("top1-chart", "top-1 agreement", scheme => scheme.top1, percent, {most: 1, axis: share => Math.round(100 * share) + " %"});
layers();
byId("provenance-body").append(pairs([
  ...(model === undefined ? [] : [["Model", el("span", {}, named(model.name), " in ", named(model.folder))],
    ["SHA-256 of the model", el("code", {}, model.sha256)]]),
  ...(evaluation.texts ? [["Texts", el("span", {}, ...evaluation.texts.flatMap((path, i) => [i === 0 ? "" : ", ", named(path)]))]] : []),
  ...["table", "query"].filter(one => one in evaluation).map(one => [one === "table" ? "Texts of table" : "Texts of query", named(evaluation[one])]),
  ["Created by", "kvscale " + data.version],
  ...schemes.map((scheme, i) => ["Scales " + (i + 1), el("span", {}, named(scheme.scales), " ", el("code", {}, scheme.scales_sha256), " ",
    el("code", {class: "fine"}, JSON.stringify(scheme.scheme.fields)))])
]));
document.documentElement.dataset.ready = "yes";
