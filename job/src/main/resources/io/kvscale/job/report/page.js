// Assembles the page.

function provenance() {
  const corpus = data.corpus;
  byId("provenance-body").append(
    pairs([
      ...(data.model === null ? [] : [["Model", named(data.model)]]),
      ["scales_sha256", el("span", {}, el("code", {}, data.scales_sha256),
        " identifies the scales: equal scales have the same hash, whatever was read.")],
      ...(data.statistics_sha256 === null ? [] : [["statistics_sha256", el("code", {}, data.statistics_sha256)]]),
      ["Read: names and shapes", el("span", {}, el("code", {}, corpus.fingerprint),
        " is the fingerprint of the names and shapes of all tensors that were read, not of their values.")],
      ["Corpus size", count(corpus.files, "file") + ", " + count(corpus.samples, "sample") + ", " + count(corpus.tokens, "token") + ", "
        + count(corpus.values, "value")],
      ["Created by", "kvscale " + data.version],
      ...data.schemes.map((scheme, i) => [data.schemes.length === 1 ? "Scheme" : "Scheme " + (i + 1), el("span", {}, describe(scheme) + " ",
        el("code", {class: "fine"}, JSON.stringify(scheme.fields)))])
    ]));
  const box = el("div");
  byId("provenance-body").append(box);
  folded(box, "Samples with the minimum and maximum of each slot", () => table(
    "Samples with the minimum and maximum of each slot",
    ["slot", "min", "sample", "max", "sample", "values", "NaN", "infinite"],
    data.slots.map(slot => ["layer " + slot.layer + " " + letter[slot.role], exact(slot.min), named(slot.minSample), exact(slot.max),
      named(slot.maxSample), group(slot.count), group(slot.nan), group(slot.inf)]),
    [2, 4]));
}

summary();
findingsList();
scalesChart();
unitScale();
slotCharts.push(chart(byId("heads-chart"), headsChart, event => {
  const slot = slotsOf(chosen.role)[event.value[0]];
  choose(slot.layer, slot.role);
}));
slotCharts.push(chart(byId("channels-chart"), channelsChart));
distribution();
errors();
provenance();
toolbar();
showChosen();
document.documentElement.dataset.ready = "yes";
