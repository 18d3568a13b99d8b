// Sends what is typed, shows what comes back. Every text goes into the page as text, never as markup.
"use strict";
const at = (id) => document.getElementById(id);
const [file, choice, sample, context, mapping, marks, result, tip, state] =
  ["file", "case", "sample", "context", "mapping", "marks", "result", "origin", "state"].map(at);
let samples = [], origins = new Map(), turn = 0, timer = 0;

function make(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
}

function say(text, name = "") {
  state.textContent = text;
  state.className = name;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(attempt, 150);
}

async function attempt() {
  const mine = ++turn;
  const body = JSON.stringify({ name: file.value, mapping: mapping.value, sample: sample.value, context: context.value });
  try {
    const answer = await fetch("try", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf }, body });
    if (!answer.ok) throw new Error(String(answer.status));
    const made = await answer.json();
    if (mine === turn) show(made);
  } catch (error) {
    if (mine === turn) say("没有回答 · no answer: " + error.message, "bad");
  }
}

function show(made) {
  underline(made.findings);
  list(at("findings"), made.findings, (one) => {
    const item = make("li", undefined, one.severity);
    const go = make("button", `${one.line}:${one.column} ${one.field}: ${one.text} [${one.code}]`);
    go.type = "button";
    go.addEventListener("click", () => jump(one.line, one.column));
    item.append(go);
    return item;
  });
  list(at("faults"), made.faults, (one) => make("li", `${one.place || one.path}: ${one.zh} / ${one.en} [${one.code}]`));
  origins = new Map(made.origins.map((one) => [one.target, one]));
  tip.hidden = true;
  result.replaceChildren();
  if (made.result !== null) tree(made.result, "", 0, result);
  const errors = made.findings.filter((one) => one.severity === "error").length;
  const [used, all] = made.coverage;
  if (errors) say(`${errors} 个错误 · error(s)`, "bad");
  else if (made.faults.length) say(`${made.faults.length} 个报文问题 · fault(s)`, "bad");
  else say(`通过 · passes${all ? `，来源字段 ${used}/${all}` : ""}`, "good");
}

function list(place, items, row) {
  place.replaceChildren(...items.map(row));
}

// The mapping's text again, transparent, behind the editor, with the findings underlined.
function underline(findings) {
  const lines = mapping.value.split("\n");
  const byLine = new Map();
  for (const one of findings) {
    if (!byLine.has(one.line)) byLine.set(one.line, []);
    byLine.get(one.line).push(one);
  }
  marks.replaceChildren();
  lines.forEach((line, index) => {
    let done = 0;
    const here = (byLine.get(index + 1) || []).sort((left, right) => left.column - right.column);
    for (const one of here) {
      const letters = Array.from(line);
      const from = letters.slice(0, one.column - 1).join("").length;
      if (from < done) continue;
      const word = /^[\p{L}\p{N}_$@./-]+|^\S/u.exec(line.slice(from));
      const length = word ? word[0].length : 1;
      marks.append(line.slice(done, from));
      const mark = make("mark", line.slice(from, from + length) || " ", one.severity);
      mark.dataset.code = one.code;
      marks.append(mark);
      done = from + length;
    }
    marks.append(line.slice(done) + "\n");
  });
  follow();
}

function follow() {
  marks.scrollTop = mapping.scrollTop;
  marks.scrollLeft = mapping.scrollLeft;
}

function jump(line, column) {
  const lines = mapping.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  mapping.focus();
  mapping.setSelectionRange(start, start);
}

function tree(value, path, depth, place) {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    value.forEach((one, index) => {
      place.append(`${pad}- `);
      if (one !== null && typeof one === "object") {
        place.append("\n");
        tree(one, `${path}[${index + 1}]`, depth + 1, place);
      } else leaf(one, `${path}[${index + 1}]`, place);
    });
  } else if (value !== null && typeof value === "object") {
    for (const [name, one] of Object.entries(value)) {
      const here = name === "#text" ? path : path ? `${path}/${name}` : name;
      place.append(`${pad}${name}: `);
      if (one !== null && typeof one === "object") {
        place.append("\n");
        tree(one, here, depth + 1, place);
      } else leaf(one, here, place);
    }
  }
}

function leaf(value, path, place) {
  const node = make("span", String(value), "value");
  node.tabIndex = 0;
  node.dataset.path = path;
  for (const name of ["mouseenter", "focus"]) node.addEventListener(name, () => explain(node));
  for (const name of ["mouseleave", "blur"]) node.addEventListener(name, () => { tip.hidden = true; });
  place.append(node, "\n");
}

function explain(node) {
  const one = origins.get(node.dataset.path);
  if (!one) return;
  const table = make("dl");
  const row = (name, text) => table.append(make("dt", name), make("dd", text));
  row("字段", one.target);
  row("来源", one.sources.join(", ") || "常量，或由条件选定 · a constant, or chosen by a condition");
  one.steps.forEach((step) => row("函数", step));
  tip.replaceChildren(table);
  tip.hidden = false;
  const box = node.getBoundingClientRect(), size = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - size.width - 8))}px`;
  tip.style.top = `${box.bottom + size.height + 12 > innerHeight ? Math.max(8, box.top - size.height - 6) : box.bottom + 6}px`;
}

function take(one) {
  sample.value = one ? one.sample : "";
  context.value = one ? one.context : "";
  attempt();
}

async function open() {
  const answer = await fetch("file?name=" + encodeURIComponent(file.value) + location.search.replace("?", "&"));
  if (!answer.ok) return say("读不到映射 · the mapping cannot be read", "bad");
  const made = await answer.json();
  mapping.value = made.text;
  samples = made.samples;
  choice.replaceChildren(...samples.map((one) => new Option(one.name)));
  location.hash = encodeURIComponent(file.value);
  take(samples[0]);
}

async function start() {
  const { files } = await (await fetch("files")).json();
  file.replaceChildren(...files.map((one) => new Option(one)));
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (files.includes(wanted)) file.value = wanted;
  if (files.length) await open();
}

for (const one of [sample, context, mapping]) one.addEventListener("input", later);
mapping.addEventListener("scroll", follow);
file.addEventListener("change", open);
choice.addEventListener("change", () => take(samples[choice.selectedIndex]));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
start();
