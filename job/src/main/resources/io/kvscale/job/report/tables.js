// Tables with the numbers of the charts.

// Cells are text or nodes. `words`: indexes of text columns, which are left-aligned. Every column is sortable.
function table(caption, head, rows, words = []) {
  const kind = i => words.includes(i) ? {class: "text"} : {};
  const body = el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map((cell, i) =>
    i === 0 ? el("th", {scope: "row"}, cell) : el("td", kind(i), cell)))));
  const heads = head.map((name, i) => el("th", {scope: "col", ...kind(i)},
    name === "" ? "" : el("button", {type: "button", class: "sort"}, name)));
  heads.forEach((th, i) => th.addEventListener("click", () => sort(body, heads, i)));
  const scroll = el("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
    el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads)), body));
  return el("div", {}, hinted(scroll), scroll);
}

// A line that says that the table has more columns or rows than fit.
function hinted(scroll) {
  const hint = el("p", {class: "hint", hidden: ""});
  new ResizeObserver(() => {
    const more = [scroll.scrollWidth > scroll.clientWidth ? "columns" : "", scroll.scrollHeight > scroll.clientHeight ? "rows" : ""]
      .filter(word => word !== "");
    hint.hidden = more.length === 0;
    hint.textContent = "More " + more.join(" and ") + ": scroll the table";
  }).observe(scroll);
  return hint;
}

// Sorts numbers before texts. A second click reverses the order.
function sort(body, heads, column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach((th, i) => i === column ? th.setAttribute("aria-sort", down ? "descending" : "ascending")
    : th.removeAttribute("aria-sort"));
  const key = row => {
    const text = row.children[column].textContent;
    const number = parseFloat(text.replace(/\u2212/g, "-").replace(/\u202f/g, ""));
    return {number, text};
  };
  const order = (a, b) => Number.isNaN(a.number) || Number.isNaN(b.number)
    ? Number.isNaN(a.number) - Number.isNaN(b.number) || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0) : a.number - b.number;
  const rows = Array.from(body.children, row => ({row, key: key(row)}));
  rows.sort((a, b) => down ? order(b.key, a.key) : order(a.key, b.key));
  body.replaceChildren(...rows.map(one => one.row));
}

// A collapsed table, created when it is opened because it can have thousands of cells.
function folded(host, title, make) {
  const made = el("details", {}, el("summary", {}, title));
  const wasOpen = host.firstChild && host.firstChild.open;
  made.addEventListener("toggle", () => {
    if (made.open && made.childElementCount === 1) {
      made.append(make());
    }
  });
  host.replaceChildren(made);
  made.open = Boolean(wasOpen);
}

function pairs(entries) {
  return el("dl", {class: "kv"}, ...entries.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
