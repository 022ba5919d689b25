// Data, words and colors. All text of the page goes through el(), which sets text and never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const letter = {key: "K", value: "V", query: "Q"};
const roleWord = {key: "keys", value: "values", query: "queries"};
const byId = id => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  for (const child of children) {
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

// Names come from untrusted files. <bdi> isolates their text direction.
const named = name => name === null ? el("span", {class: "fine"}, "unnamed") : el("bdi", {}, name);

const group = n => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

// Three digits, for reading. Tables of scales show all digits.
function short(x) {
  if (x === 0 || x === null || !Number.isFinite(x)) {
    return x === 0 ? "0" : "\u2013";
  }
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-4 ? x.toExponential(2) : String(Number(x.toPrecision(3)));
  return text.replace("-", "\u2212").replace("e+", "e");
}

const exact = x => String(x).replace("-", "\u2212");

const count = (n, one, many = one + "s") => group(n) + " " + (n === 1 ? one : many);

// Categorical colors by Okabe and Ito; one sequential ramp for magnitudes.
const light = {
  dark: false, ink: "#1c2128", quiet: "#5b6470", line: "#e3e0da", card: "#ffffff", empty: "#f1efea",
  key: "#0b62a4", value: "#c65400", query: "#00795a", out: "rgba(179,71,11,.10)", limit: "#b3470b", ring: "#0b62a4",
  set: ["#0b62a4", "#c65400", "#00795a", "#a3487f", "#8a6d00"],
  ramp: ["#fbf3dc", "#f8d08b", "#f0975a", "#d45450", "#9b2a63", "#561a5e", "#20113b"]
};
const dark = {
  dark: true, ink: "#e7e9ec", quiet: "#a0a8b3", line: "#2e343c", card: "#1b1f25", empty: "#23282f",
  key: "#6db3f2", value: "#f0994d", query: "#4cc9a0", out: "rgba(240,160,99,.13)", limit: "#f0a063", ring: "#7de0ff",
  set: ["#6db3f2", "#f0994d", "#4cc9a0", "#e394c4", "#e3cf57"],
  ramp: ["#1d1430", "#4a1a63", "#8c2a68", "#cb4a54", "#f0894a", "#f9c878", "#fff6d8"]
};
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const isPrinting = () => document.documentElement.classList.contains("printing");
const colours = () => prefersDark.matches && !isPrinting() ? dark : light;

const formatName = format => format.replace(/^[a-z]+/, letters => letters.toUpperCase()).replace("_", " ");

function describe(scheme) {
  const fields = scheme.fields;
  return formatName(scheme.format) + ", " + (fields.symmetric ? "symmetric" : "asymmetric") + ", "
    + (fields.strategy === "group" ? "groups of " + fields.group_size : "by " + fields.strategy)
    + (fields.observer ? ", " + fields.observer : "");
}
