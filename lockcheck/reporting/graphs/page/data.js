"use strict";

// The graph, and what follows from it. Names come from source code: they reach the page as text only, never as HTML.
const graph = JSON.parse(document.getElementById("data").textContent);
const edgeOf = new Map(graph.edges.map((edge, number) => [JSON.stringify([edge.held, edge.taken]), number]));
const edgeNumber = (edge) => edgeOf.get(JSON.stringify([edge.held, edge.taken]));
const cyclicTables = new Set(graph.cycles.flatMap((cycle) => cycle.tables));
const byId = (id) => document.getElementById(id);

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function roundTrip(cycle) {
  if (cycle.tables.length === 2) return cycle.tables.join(" ⇄ ");
  return [...cycle.tables, cycle.tables[0]].join(" → ");
}

function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

function draw(tag, attributes = {}, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

// Names and paths may break after their parts.
function breakable(text) {
  return text.split(/(?<=[/_.])/).flatMap((part, number) => (number ? [document.createElement("wbr"), part] : [part]));
}

function item(label, number, sign, choice) {
  const button = make("button", { class: "item", type: "button", "data-choice": hashOf(choice) });
  button.append(make("span", { class: "sign" }, sign));
  button.append(make("span", { class: "name" }, ...breakable(label)), make("span", { class: "number" }, number));
  button.addEventListener("click", () => choose(choice));
  return button;
}

// What is chosen stands in the address, so that it can be linked to and the browser's back button works.
function hashOf(choice) {
  if (!choice) return "";
  if (choice.kind === "cycle") return `#cycle=${choice.number + 1}`;
  if (choice.kind === "table") return `#table=${encodeURIComponent(choice.table)}`;
  const { held, taken } = graph.edges[choice.number];
  return `#edge=${encodeURIComponent(held)}&${encodeURIComponent(taken)}`;
}

function choiceOf(hash) {
  const [, kind, rest] = /^#(cycle|table|edge)=(.*)$/.exec(hash) || [];
  let names = [];
  try {
    names = (rest || "").split("&").map(decodeURIComponent);
  } catch {
    return null;
  }
  if (kind === "cycle" && graph.cycles[rest - 1]) return { kind, number: rest - 1 };
  if (kind === "table" && graph.tables.includes(names[0])) return { kind, table: names[0] };
  const number = kind === "edge" ? edgeNumber({ held: names[0], taken: names[1] }) : undefined;
  return number === undefined ? null : { kind, number };
}

function choose(choice) {
  const hash = hashOf(choice);
  if (hash === location.hash) show(choice);
  else if (hash) location.hash = hash;
  else {
    history.pushState(null, "", location.pathname + location.search);
    show(null);
  }
}
