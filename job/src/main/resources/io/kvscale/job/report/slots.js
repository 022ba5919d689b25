// The charts of one slot. All of them show the chosen layer and role.
const chosen = {layer: layers[0], role: roles[0]};
const slotCharts = [];

const chosenSlot = () => slotOf.get(chosen.layer + "/" + chosen.role);

// Chooses a slot, or the nearest layer with this role: a layer may have no V.
function choose(layer, role) {
  const there = slotsOf(role).map(slot => slot.layer);
  chosen.role = role;
  chosen.layer = there.includes(layer) ? layer : there.reduce((a, b) => Math.abs(b - layer) < Math.abs(a - layer) ? b : a);
  showChosen();
}

function step(by) {
  const there = slotsOf(chosen.role).map(slot => slot.layer);
  const at = there.indexOf(chosen.layer) + by;
  if (at >= 0 && at < there.length) {
    choose(there[at], chosen.role);
  }
}

// The roles with a button: K and V, of which one may be missing, and Q if there is one.
const offered = () => Object.keys(letter).filter(role => byId("role-" + role));

function toolbar() {
  if (roles.includes("query")) {
    byId("role-value").after(el("button", {type: "button", id: "role-query"}, "Queries"));
  }
  for (const role of offered()) {
    byId("role-" + role).disabled = !roles.includes(role);
    byId("role-" + role).addEventListener("click", () => choose(chosen.layer, role));
  }
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("layer").addEventListener("change", event => choose(Number(event.target.value), chosen.role));
}

function showChosen() {
  const slot = chosenSlot();
  const there = slotsOf(chosen.role).map(one => one.layer);
  for (const role of offered()) {
    byId("role-" + role).setAttribute("aria-pressed", String(role === chosen.role));
  }
  byId("layer").replaceChildren(...there.map(layer => el("option", {value: layer}, layer)));
  byId("layer").value = chosen.layer;
  byId("previous").disabled = chosen.layer === there[0];
  byId("next").disabled = chosen.layer === there[there.length - 1];
  byId("shown").textContent = "layer " + slot.layer + " " + letter[slot.role] + ": " + short(slot.min) + " to " + short(slot.max)
    + (slot.scales === 1 ? ", scale " + short(slot.leastScale) : ", " + slot.scales + " scales");
  byId("heads-title").textContent = "Maximum |x| per layer and head, " + roleWord[chosen.role];
  byId("channels-title").textContent = "Maximum |x| per head and channel, layer " + slot.layer + ", " + roleWord[slot.role]
    + (data.pool > 1 ? ", maximum of each " + data.pool + " neighboring channels" : "");
  slotCharts.forEach(draw);
  folded(byId("heads-table"), "Heads as a table", () => headsTable(chosen.role));
  folded(byId("channels-table"), "Channels as a table", () => channelsTable(slot));
  showErrors(slot);
}

function headsChart(width) {
  const slots = slotsOf(chosen.role);
  const heads = Math.max(...slots.map(slot => slot.heads));
  const cells = slots.flatMap((slot, i) => Array.from({length: slot.heads}, (_, head) =>
    [i, head, Math.log10(greatest(headOf(slot, head)))]));
  const worst = cells.reduce((a, b) => b[2] > a[2] ? b : a);
  return {
    label: "Heat map of the maximum |x| of the " + roleWord[chosen.role] + " by layer and head. The maximum is "
      + power(worst[2]) + ", in layer " + slots[worst[0]].layer + ", head " + worst[1] + ". The table below has the numbers.",
    ...heat({
      width, cells, columns: slots.map(slot => slot.layer), rows: Array.from({length: heads}, (_, head) => head),
      xName: "layer", yName: "head", selected: slots.findIndex(slot => slot.layer === chosen.layer),
      tipOf: cell => tip("Layer " + slots[cell[0]].layer + ", head " + cell[1], "maximum |x|: " + power(cell[2]))
    })
  };
}

function channelsChart(width) {
  const slot = chosenSlot();
  channelsOf(slot);
  const cells = [];
  const rings = [];
  for (let head = 0; head < slot.heads; head++) {
    const sizes = headOf(slot, head);
    const middle = median(sizes);
    sizes.forEach((size, column) => {
      cells.push([column, head, Math.log10(size), size / middle]);
      if (middle > 0 && size > OUTLIER * middle) {
        rings.push([column, head]);
      }
    });
  }
  return {
    label: "Heat map of the maximum |x| by head and channel in layer " + slot.layer + ", " + roleWord[slot.role] + ". "
      + (rings.length === 0 ? "No channel" : count(rings.length, "channel")) + " above five times the median of the head. "
      + "The table below has the numbers.",
    ...heat({
      width, cells, rings, columns: Array.from({length: slot.columns}, (_, column) => column * data.pool),
      rows: Array.from({length: slot.heads}, (_, head) => head), xName: "channel", yName: "head",
      tipOf: cell => tip("Head " + cell[1] + ", " + channelName(slot, cell[0]), "maximum |x|: " + power(cell[2]),
        short(cell[3]) + " times the median channel of the head")
    })
  };
}

const NO_HISTOGRAMS = [
  "These statistics hold only ranges. Calibrate with histograms to see the distribution and the error of every scheme. "
    + "Set in the recipe:",
  "kvscale:\n  statistics: histogram"
];

function withoutHistograms(host) {
  host.replaceChildren(el("div", {class: "empty"}, el("p", {}, NO_HISTOGRAMS[0]), el("pre", {}, el("code", {}, NO_HISTOGRAMS[1]))));
}

function distribution() {
  const host = byId("distribution-body");
  if (!data.slots.some(slot => slot.bins)) {
    withoutHistograms(host);
    return;
  }
  const picture = el("div", {class: "chart"});
  host.replaceChildren(
    el("p", {class: "lead"}, "Number of values per bin, on a logarithmic axis. Dashed lines mark the limits of the quantized range. "
      + "Values in the shaded areas are outside of it and saturate."),
    picture);
  slotCharts.push(chart(picture, distributionChart));
}

const LABEL_ROW = 14;

// The row of the label of each limit, from the axis up: labels that would overlap are in different rows.
function labelRows(limits, pixel) {
  const ends = [];
  return limits.map(x => {
    const half = short(x).length * 3.5 + 3;
    const free = ends.findIndex(end => end <= pixel(x) - half);
    const row = free < 0 ? ends.length : free;
    ends[row] = pixel(x) + half;
    return row;
  });
}

function distributionChart(width) {
  const slot = chosenSlot();
  const c = colours();
  const bins = slot.bins || [];
  const size = (slot.max - slot.min) / Math.max(1, bins.length) || 1;
  const [from, to] = slot.widest;
  const margin = (Math.max(slot.max, to) - Math.min(slot.min, from)) * .03 || 1;
  const least = Math.min(slot.min, from) - margin;
  const most = Math.max(slot.max, to) + margin;
  const floor = -.3;
  const limits = [...new Set(slot.scales === 1 ? [from, to] : [from, to, ...slot.narrowest])].sort((a, b) => a - b);
  const rows = labelRows(limits, x => (x - least) / (most - least) * (width - 56 - 16));
  const saturated = bins.reduce((sum, n, i) => sum + (slot.min + (i + .5) * size < from || slot.min + (i + .5) * size > to ? n : 0), 0);
  return {
    height: width < 500 ? 280 : 320,
    label: "Histogram of layer " + slot.layer + ", " + roleWord[slot.role] + ": values from " + short(slot.min) + " to "
      + short(slot.max) + ", 99.99 % of |x| up to " + short(slot.nearlyAll) + "; the quantized range is " + short(from) + " to "
      + short(to) + (saturated ? ", about " + group(saturated) + " values saturate" : "") + ".",
    option: {
      grid: {left: 56, right: 16, top: Math.max(34, 34 + LABEL_ROW * (Math.max(...rows) - 1)), bottom: 44},
      tooltip: tooltip(p => tip(short(p.value[0]) + " to " + short(p.value[1]), count(p.value[3], "value")), {trigger: "item"}),
      xAxis: axis("value", "value", {min: least, max: most, splitLine: {show: false},
        axisLabel: {color: c.quiet, fontSize: 11, hideOverlap: true, showMinLabel: false, showMaxLabel: false, formatter: short}}),
      yAxis: axis("value", "", {min: floor, minInterval: 1, axisLabel: {color: c.quiet, fontSize: 11, showMinLabel: false,
        formatter: y => Number.isInteger(y) ? short(10 ** y) : ""}}),
      series: [
        {
          type: "custom", encode: {x: [0, 1], y: 2}, itemStyle: {color: c[slot.role]},
          data: bins.map((n, i) => [slot.min + i * size, slot.min + (i + 1) * size, Math.log10(n), n]).filter(bin => bin[3] > 0),
          renderItem: (params, api) => {
            const [left, top] = api.coord([api.value(0), api.value(2)]);
            const [right, bottom] = api.coord([api.value(1), floor]);
            return {type: "rect", shape: {x: left, y: top, width: Math.max(1, right - left - .5), height: bottom - top},
              style: {fill: c[slot.role]}};
          }
        },
        {
          type: "line", data: [], silent: true,
          markLine: {
            silent: true, symbol: "none", lineStyle: {color: c.limit, type: "dashed", width: 1.5},
            label: {color: c.limit, fontSize: 11, formatter: p => short(limits[p.dataIndex])},
            data: limits.map((x, i) => ({xAxis: x, label: {distance: [0, 5 + LABEL_ROW * rows[i]]}}))
          },
          markArea: {silent: true, itemStyle: {color: c.out}, data: [[{xAxis: least}, {xAxis: from}], [{xAxis: to}, {xAxis: most}]]}
        }
      ]
    }
  };
}
