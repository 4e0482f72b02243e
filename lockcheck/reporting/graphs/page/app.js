// Lists, search, keys and what is chosen.
const search = byId("search");

function fillLists() {
  const cycles = graph.cycles.map((cycle, number) =>
    item(roundTrip(cycle), "", `${number + 1}`, { kind: "cycle", number }));
  const tables = graph.tables.map((table) =>
    item(table, String(graph.edges.filter((edge) => edge.held === table || edge.taken === table).length),
      cyclicTables.has(table) ? "↻" : "", { kind: "table", table }));
  byId("cycles").append(...cycles.map((entry) => make("li", {}, entry)));
  byId("tables").append(...tables.map((entry) => make("li", {}, entry)));
  if (!cycles.length) byId("cycles").append(make("li", { class: "none" }, "none"));
  byId("cycle-count").textContent = cycles.length || "";
  byId("table-count").textContent = tables.length || "";
  byId("empty").hidden = graph.tables.length > 0;
}

function tablesOf(choice) {
  if (choice.kind === "cycle") return graph.cycles[choice.number].tables;
  if (choice.kind === "edge") return [graph.edges[choice.number].held, graph.edges[choice.number].taken];
  return [choice.table];
}

function edgesOf(choice) {
  if (choice.kind === "cycle") return graph.cycles[choice.number].edges.map(edgeNumber);
  if (choice.kind === "edge") return [choice.number];
  return graph.edges.flatMap((edge, number) => (edge.held === choice.table || edge.taken === choice.table ? [number] : []));
}

function show(choice) {
  const [picked, on] = choice ? [tablesOf(choice), new Set(edgesOf(choice))] : [[], new Set()];
  const near = new Set([...picked, ...[...on].flatMap((number) => [graph.edges[number].held, graph.edges[number].taken])]);
  svg.classList.toggle("chosen", Boolean(choice));
  edges.forEach((edge, number) => {
    edge.classList.toggle("on", on.has(number));
    edge.classList.toggle("picked", on.has(number) && choice.kind !== "table");
    edge.setAttribute("tabindex", on.has(number) ? 0 : -1);
  });
  for (const [table, node] of nodes) {
    node.classList.toggle("on", near.has(table));
    node.classList.toggle("picked", choice?.kind === "table" && choice.table === table);
  }
  if (choice) reveal(picked);
  describe(choice);
  const hash = hashOf(choice);
  for (const entry of document.querySelectorAll("nav .item")) {
    const current = hash !== "" && entry.dataset.choice === hash;
    entry.setAttribute("aria-current", current);
    if (current) bringIn(entry);
  }
}

// Scroll the list, and nothing around it, to one of its entries.
function bringIn(entry) {
  const list = document.querySelector("nav");
  const [inner, outer] = [entry.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top - 8;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + 8;
}

// --- search ---

// The words of an edge: its tables, and the functions and files that its paths go through.
const words = new Map();
for (const edge of graph.edges) {
  const found = new Set([edge.held, edge.taken]);
  for (const number of edge.paths) {
    const path = graph.paths[number];
    found.add(path.entry);
    for (const step of path.steps) found.add(graph.steps[step].function).add(graph.steps[step].path);
  }
  words.set(edge, [...found].join("\n").toLowerCase());
}

function find() {
  const wanted = search.value.trim().toLowerCase();
  const matches = new Set(graph.tables.filter((table) => table.toLowerCase().includes(wanted)));
  const reached = graph.edges.filter((edge) => wanted && words.get(edge).includes(wanted));
  const isReached = new Set(reached.map(edgeNumber));
  const near = new Set(matches.size ? matches : reached.flatMap((edge) => [edge.held, edge.taken]));
  for (const [table, node] of nodes) node.classList.toggle("found", Boolean(wanted) && near.has(table));
  graph.tables.forEach((table, number) => (byId("tables").children[number].hidden = Boolean(wanted) && !near.has(table)));
  graph.cycles.forEach((cycle, number) => {
    byId("cycles").children[number].hidden = Boolean(wanted) && !cycle.edges.some((edge) => isReached.has(edgeNumber(edge)));
  });
}

// --- keys and buttons ---

function pressed(event) {
  const typing = event.target === search;
  if (event.key === "Escape") {
    if (typing && search.value) {
      search.value = "";
      find();
    } else {
      if (typing) search.blur();
      choose(null);
    }
  } else if (typing && event.key === "Enter") {
    document.querySelector("#tables li:not([hidden]) .item, #cycles li:not([hidden]) .item")?.click();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const does = { "/": () => search.focus(), "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: fit }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }
}

function nextTheme() {
  const themes = ["system", "dark", "light"];
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme || "system") + 1) % themes.length];
  root.dataset.theme = next;
  byId("theme").querySelector("span").textContent = next;
}

fillLists();
drawGraph();
watchPointer();
fit();
search.addEventListener("input", find);
byId("only").addEventListener("change", (event) => svg.classList.toggle("acyclic-gone", event.target.checked));
byId("only").disabled = !graph.cycles.length;
byId("closer").addEventListener("click", () => zoom(0.8));
byId("farther").addEventListener("click", () => zoom(1.25));
byId("fit").addEventListener("click", fit);
byId("theme").addEventListener("click", nextTheme);
document.addEventListener("keydown", pressed);
addEventListener("hashchange", () => show(choiceOf(location.hash)));
addEventListener("popstate", () => show(choiceOf(location.hash)));
addEventListener("resize", () => setView(around(view)));
show(choiceOf(location.hash));
