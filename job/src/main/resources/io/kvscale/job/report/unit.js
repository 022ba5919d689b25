// fp8 with scale 1.0, which engines take without calibration, against calibrated fp8 scales.
const counted = data.slots.every(slot => "sqnr" in slot.unit);
// Positive: scale 1.0 is worse. Null: exactly one of both has no error.
const unitLoss = ({sqnr, calibrated}) => sqnr === calibrated ? 0 : sqnr === null || calibrated === null ? null : calibrated - sqnr;

// One decimal; never "-0.0".
const tenths = x => exact((Number(x.toFixed(1)) + 0).toFixed(1));

function unitScale() {
  const observers = [...new Set(data.slots.map(slot => slot.unit.observer))].join(", ");
  const picture = el("div", {class: "chart"});
  const all = el("div");
  byId("unit-body").replaceChildren(
    el("article", {class: "finding"}, el("p", {}, data.unitVerdict)),
    el("p", {class: "lead"}, "Without scales, engines run an fp8 e4m3 cache with scale 1.0: values with |x| above 448 become \u00b1448, and "
      + "small ones lose precision. " + (counted
        ? "The loss is the SQNR of calibrated fp8 scales (" + observers + ") minus the SQNR with scale 1.0, over all values. Below 0, "
          + "scale 1.0 is the better one."
        : "Ranges tell what is clipped. Only histograms tell the precision.")),
    picture, all);
  if (counted && layers.length > 1) {
    chart(picture, unitChart);
  } else {
    picture.remove();
  }
  folded(all, "Scale 1.0 as a table", unitTable);
}

function unitTable() {
  const beyond = slot => slot.unit.share === null ? "some" : slot.unit.share === 0 ? "0" : short(100 * slot.unit.share);
  const loss = slot => unitLoss(slot.unit) === null ? "\u2013" : tenths(unitLoss(slot.unit));
  return table("fp8 e4m3 with calibrated scales and with scale 1.0, by layer",
    ["layer", ...roles.flatMap(role => [...(counted ? ["calibrated, dB", "1.0, dB", "loss, dB"] : ["max |x|"]), "> 448, %"]
      .map(name => letter[role] + " " + name))],
    layers.map(layer => [layer, ...roles.flatMap(role => {
      const slot = slotOf.get(layer + "/" + role);
      return !slot ? Array(counted ? 4 : 2).fill("")
        : [...(counted ? [db(slot.unit.calibrated), db(slot.unit.sqnr), loss(slot)] : [short(Math.max(-slot.min, slot.max))]), beyond(slot)];
    })]));
}

function unitChart(width) {
  const c = colours();
  const series = roles.map(role => ({
    name: letter[role], type: "line", symbol: role === "key" ? "circle" : "diamond", symbolSize: layers.length > 60 ? 3 : 6,
    lineStyle: {color: c[role], width: 2}, itemStyle: {color: c[role]},
    data: layers.map(layer => {
      const slot = slotOf.get(layer + "/" + role);
      return slot && unitLoss(slot.unit) !== null ? unitLoss(slot.unit) : "-";
    })
  }));
  return {
    height: width < 500 ? 260 : 280,
    label: "Line chart of the SQNR in dB that scale 1.0 loses, by layer. " + data.unitVerdict + " The table below has the numbers.",
    option: {
      grid: {left: 56, right: 16, top: 36, bottom: 44},
      legend: {top: 4, left: 48, textStyle: {color: c.ink}},
      tooltip: tooltip(points => tip("Layer " + points[0].axisValue,
        ...points.filter(p => p.value !== "-").map(p => p.seriesName + ": " + tenths(Number(p.value)) + " dB")), {trigger: "axis"}),
      xAxis: categories("layer", layers, {axisLine: {onZero: false, lineStyle: {color: c.line}}}),
      yAxis: axis("value", "loss, dB", {nameGap: 40}),
      series
    }
  };
}
