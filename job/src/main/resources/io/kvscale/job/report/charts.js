// The charts. A registry redraws all of them when the width, the color scheme or the medium changes.
const charts = [];

// `build` returns the ECharts option, the height and a text alternative. It is called for every redraw.
function chart(host, build, onClick) {
  const entry = {host, build, drawn: echarts.init(host, null, {renderer: "svg"})};
  host.setAttribute("role", "img");
  if (onClick) {
    entry.drawn.on("click", onClick);
  }
  charts.push(entry);
  new ResizeObserver(() => {
    if (!isPrinting() && host.clientWidth !== entry.drawn.getWidth()) {
      draw(entry);
    }
  }).observe(host);
  draw(entry);
  return entry;
}

// Numbers in place of a chart that would have a single bar or point.
function instead(host, entries) {
  host.classList.remove("chart");
  host.replaceChildren(pairs(entries));
}

function draw(entry) {
  const {option, label, height} = entry.build(entry.host.clientWidth);
  if (height) {
    entry.host.style.height = height + "px";
  }
  entry.drawn.resize({animation: {duration: 0}});
  entry.drawn.setOption({
    animation: false,
    textStyle: {fontFamily: getComputedStyle(document.body).fontFamily},
    aria: {enabled: false},
    ...option
  }, true);
  entry.host.setAttribute("aria-label", label);
}

const redraw = () => charts.forEach(draw);

prefersDark.addEventListener("change", redraw);
window.addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  redraw();
});
window.addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  redraw();
});

// The content of a tooltip: a heading and lines of text.
function tip(heading, ...lines) {
  return el("div", {class: "tip"}, el("strong", {}, heading), ...lines.map(line => el("div", {}, line)));
}

function tooltip(formatter, more = {}) {
  const c = colours();
  return {confine: true, backgroundColor: c.card, borderColor: c.line, textStyle: {color: c.ink, fontSize: 13},
    formatter, ...more};
}

function axis(type, name, more = {}) {
  const c = colours();
  return {
    type, name, nameLocation: "middle", nameGap: 28, nameTextStyle: {color: c.quiet, fontSize: 12},
    axisLine: {lineStyle: {color: c.line}}, axisTick: {lineStyle: {color: c.line}},
    axisLabel: {color: c.quiet, fontSize: 11, hideOverlap: true}, splitLine: {lineStyle: {color: c.line}}, ...more
  };
}

// An axis of layers, heads or names. ECharts drops labels that do not fit.
const categories = (name, values, more = {}) =>
  axis("category", name, {data: values.map(String), splitLine: {show: false}, ...more});

const power = exponent => short(Number((10 ** exponent).toPrecision(3)));

// A heat map of cells (x, y, log10). Cells of zeros or without values stay blank.
function heat({width, columns, rows, cells, xName, yName, tipOf, rings = [], selected = null}) {
  const c = colours();
  const sizes = cells.map(cell => cell[2]).filter(Number.isFinite);
  const least = sizes.length ? Math.min(...sizes) : 0;
  const most = sizes.length ? Math.max(...sizes) : 1;
  const rowHeight = Math.max(6, Math.min(30, 420 / rows.length));
  const cellWidth = (width - 62) / columns.length;
  return {
    height: Math.round(rows.length * rowHeight + 118),
    option: {
      grid: {left: 48, right: 14, top: 8, bottom: 102, show: true, backgroundColor: c.empty, borderWidth: 0},
      tooltip: tooltip(params => tipOf(params.value), {trigger: "item"}),
      xAxis: categories(xName, columns),
      yAxis: categories(yName, rows, {inverse: true, nameGap: 30}),
      visualMap: {
        type: "continuous", dimension: 2, min: least, max: most > least ? most : least + 1, orient: "horizontal",
        left: "center", bottom: 0, itemWidth: 12, itemHeight: Math.min(220, width * .45), hoverLink: false,
        inRange: {color: c.ramp}, text: [power(most), power(least)], textStyle: {color: c.quiet}, calculable: false,
        seriesIndex: 0
      },
      series: [
        {
          type: "heatmap", data: cells.filter(cell => Number.isFinite(cell[2])), progressive: 0,
          itemStyle: {borderColor: c.card, borderWidth: Math.min(cellWidth, rowHeight) > 8 ? 1 : 0},
          emphasis: {itemStyle: {borderColor: c.ink, borderWidth: 2}},
          markArea: selected === null ? undefined : {
            silent: true, itemStyle: {color: "transparent", borderColor: c.ring, borderWidth: 2},
            data: [[{xAxis: selected}, {xAxis: selected}]]
          }
        },
        {
          type: "scatter", silent: true, symbol: "circle", data: rings, z: 3,
          symbolSize: Math.max(4, Math.min(cellWidth, rowHeight) - 1),
          itemStyle: {color: "transparent", borderColor: c.ring, borderWidth: 2}
        }
      ]
    }
  };
}
