// The head of the page, the findings and the scales.

function summary() {
  const corpus = data.corpus;
  const grave = data.findings.filter(finding => finding.grave).length;
  byId("summary").append(
    ...(data.model === null ? [] : [named(data.model), ": "]),
    layers.length === 1 ? "One layer, " : layers.length + " layers, ",
    count(corpus.tokens, "token") + " of " + count(corpus.samples, "sample") + ". ",
    grave === 0 ? "No warnings." : count(grave, "warning") + ". Read " + (grave === 1 ? "it" : "them") + " before you use the scales.");
  const first = data.slots[0];
  const facts = [
    ["Format", describe(data.schemes[0]).split(",")[0] + (data.schemes.length > 1 ? " and others" : "")],
    ["Strategy", data.schemes[0].fields.strategy + (data.schemes.some(s => s.fields.strategy !== data.schemes[0].fields.strategy)
      ? " and others" : "")],
    ["Heads \u00d7 channels", first.heads + " \u00d7 " + first.headDim],
    ["Data type", [...new Set(data.slots.map(slot => slot.dtype))].join(", ")],
    ["Tokens", group(corpus.tokens)],
    ["Samples", group(corpus.samples)]
  ];
  byId("facts").append(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

const FEW = 4;

function findingsList() {
  const host = byId("findings-list");
  if (data.findings.length === 0) {
    host.append(el("p", {class: "fine"}, "No findings: no warnings of the calibration, outlier channels, heavy tails, uneven heads, "
      + "layers near zero or channels of zeros."));
  }
  for (const finding of data.findings) {
    const kind = el("span", {class: "kind"}, finding.grave ? "Warning" : "Note");
    const box = el("article", {class: finding.grave ? "finding grave" : "finding"});
    if (finding.title) {
      const where = new Set((finding.cases || []).map(at => at.slot)).size;
      box.append(el("h3", {}, kind, finding.title),
        el("p", {}, finding.text));
      box.append(cases(finding, where));
    } else {
      box.append(el("p", {}, kind, finding.text));
    }
    host.append(box);
  }
}

function cases(finding) {
  const items = finding.cases.map(at => el("li", {}, slotLink(at)));
  const list = el("ul", {class: "cases"}, ...items.slice(0, FEW));
  const box = el("div", {}, list);
  if (finding.count > FEW) {
    box.append(el("details", {},
      el("summary", {}, count(finding.count - FEW, "more", "more")),
      el("ul", {class: "cases"}, ...items.slice(FEW)),
      finding.count > items.length ? el("p", {class: "fine"}, "\u2026 and " + (finding.count - items.length) + " more, not shown") : ""));
  }
  return box;
}

function slotLink(at) {
  const made = el("button", {type: "button", class: "link"}, at.text);
  made.addEventListener("click", () => {
    const [layer, role] = at.slot.split("/");
    choose(Number(layer), role);
    byId("ranges").scrollIntoView();
    byId("layer").focus({preventScroll: true});
  });
  return made;
}

function scalesChart() {
  folded(byId("scales-table"), "Scales as a table", scalesTable);
  if (layers.length === 1) {
    instead(byId("scales-chart"), data.slots.map(slot => [letter[slot.role].toLowerCase() + "_scale of layer " + slot.layer,
      scaleText(slot)]));
    return;
  }
  chart(byId("scales-chart"), width => {
    const c = colours();
    const line = (role, field, name, type) => ({
      name, type: "line", symbol: role === "key" ? "circle" : "diamond", symbolSize: layers.length > 60 ? 3 : 6,
      lineStyle: {color: c[role], width: 2, type}, itemStyle: {color: c[role]},
      data: layers.map(layer => (slotOf.get(layer + "/" + role) || {})[field] || "-")
    });
    const series = roles.flatMap(role => {
      const name = letter[role].toLowerCase() + "_scale";
      return slotsOf(role).every(slot => slot.scales === 1)
        ? [line(role, "greatestScale", name, "solid")]
        : [line(role, "greatestScale", name + ", maximum", "solid"), line(role, "leastScale", name + ", minimum", "dashed")];
    });
    const all = slotsOf(roles[0]).map(slot => slot.greatestScale);
    // On a narrow screen, the legend has a line for each of more than two names.
    const legend = width < 500 && series.length > 2 ? 22 * (series.length - 1) : 0;
    return {
      height: (width < 500 ? 290 : 320) + legend,
      label: "Line chart of the scales by layer, on a logarithmic axis. The largest " + letter[roles[0]].toLowerCase()
        + "_scale is " + short(Math.max(...all)) + ", the smallest " + short(Math.min(...all)) + ". The table below has the numbers.",
      option: {
        grid: {left: 62, right: 16, top: 42 + legend, bottom: 44},
        legend: {top: 4, left: 48, textStyle: {color: c.ink}, itemGap: legend ? 8 : 16, orient: legend ? "vertical" : "horizontal"},
        tooltip: tooltip(points => tip("Layer " + points[0].axisValue,
          ...points.filter(p => p.value !== "-").map(p => p.seriesName + "  " + exact(p.value))), {trigger: "axis"}),
        xAxis: categories("layer", layers),
        yAxis: axis("log", "", {axisLabel: {color: c.quiet, fontSize: 11, formatter: short}, ...logRange(series)}),
        series
      }
    };
  });
}

// Limits close to the data. By default, a log axis extends to whole powers of ten.
function logRange(series) {
  const all = series.flatMap(one => one.data).filter(x => x > 0);
  return all.length ? {min: Number((Math.min(...all) / 1.3).toPrecision(1)), max: Number((Math.max(...all) * 1.3).toPrecision(2))} : {};
}
