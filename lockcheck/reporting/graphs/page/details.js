// The panel at the side: what is chosen, with the paths through the code.
const details = byId("details");
const FIRST = 25;

function describe(choice) {
  const writers = { cycle: describeCycle, edge: describeEdge, table: describeTable };
  details.replaceChildren(...(choice ? writers[choice.kind](choice) : introduction()));
  details.scrollTop = 0;
}

function introduction() {
  const legend = make("div", { class: "legend" });
  const arrow = (cyclic) =>
    draw("svg", { viewBox: "0 0 46 14", "aria-hidden": "true" },
      draw("g", { class: cyclic ? "edge cyclic" : "edge" },
        draw("path", { class: "line", d: "M2,7H38", style: `stroke-width:${cyclic ? 2.5 : 1.5}` })));
  legend.append(arrow(false), make("span", {}, "A transaction that holds rows of the first table locks rows of the second."));
  if (graph.cycles.length) legend.append(arrow(true), make("span", {}, "The order closes a cycle: two transactions can wait for each other."));
  return [
    make("h2", {}, "How to read this"),
    make("p", {}, "Tables stand in rows so that locks are taken downwards as far as that can be. What leads up is taken against the order of the rest; it need not be wrong."),
    legend,
    make("p", {}, "Choose a cycle, an arrow or a table to see the places in the code, with the calls that lead there."),
    make("p", {}, make("kbd", {}, "/"), " finds, ", make("kbd", {}, "Esc"), " lets go, arrow keys walk between tables, ",
      make("kbd", {}, "+"), " ", make("kbd", {}, "-"), " ", make("kbd", {}, "0"), " zoom."),
  ];
}

function describeCycle({ number }) {
  const cycle = graph.cycles[number];
  const found = [
    make("h2", {}, `Cycle ${number + 1}`),
    make("p", { class: "name" }, ...breakable(roundTrip(cycle))),
    make("p", {}, "Transactions that come these ways at the same time can wait for each other, each for rows that the next one holds."),
  ];
  cycle.edges.forEach((edge, way) => {
    const heading = make("h3", {}, `Transaction ${way + 1} holds `, name(edge.held), ", then takes ", name(edge.taken));
    found.push(heading, pathBlock(edge.paths[0], true));
    if (edge.paths.length > 1) found.push(further(edge.paths.slice(1), plural(edge.paths.length - 1, "more place")));
  });
  return found;
}

function describeEdge({ number }) {
  const edge = graph.edges[number];
  const found = [
    make("h2", {}, name(edge.held), " → ", name(edge.taken)),
    make("p", {}, `Transactions that hold rows of ${edge.held} lock rows of ${edge.taken}, in ${plural(edge.paths.length, "place")}.`),
    links(graph.cycles.flatMap((cycle, at) => (cycle.edges.some((other) => edgeNumber(other) === number) ? [cycleItem(at)] : []))),
  ];
  const back = edgeNumber({ held: edge.taken, taken: edge.held });
  if (back !== undefined) found.push(make("h3", {}, "The other way round"), links([edgeItem(back)]));
  found.push(make("h3", {}, "Places"), pathBlock(edge.paths[0], true), ...rest(edge.paths.slice(1)));
  return found;
}

function describeTable({ table }) {
  const numbers = graph.edges.map((_, number) => number);
  const into = numbers.filter((number) => graph.edges[number].taken === table);
  const out = numbers.filter((number) => graph.edges[number].held === table);
  const cycles = graph.cycles.flatMap((cycle, at) => (cycle.tables.includes(table) ? [cycleItem(at)] : []));
  const found = [make("h2", {}, name(table))];
  if (cycles.length) found.push(make("h3", {}, "Cycles"), links(cycles));
  if (out.length) found.push(make("h3", {}, "Locked while it is held"), links(out.map((number) => edgeItem(number, graph.edges[number].taken))));
  if (into.length) found.push(make("h3", {}, "Held while it is locked"), links(into.map((number) => edgeItem(number, graph.edges[number].held))));
  if (!out.length && !into.length) found.push(make("p", {}, "No transaction was seen that locks its rows together with those of another table."));
  return found;
}

const name = (table) => make("span", { class: "name" }, ...breakable(table));
const links = (items) => make("div", { class: "linked" }, ...items);

function cycleItem(number) {
  return item(roundTrip(graph.cycles[number]), `cycle ${number + 1}`, "↻", { kind: "cycle", number });
}

function edgeItem(number, label) {
  const edge = graph.edges[number];
  const sign = edge.in_cycle ? "↻" : "";
  return item(label || `${edge.held} → ${edge.taken}`, plural(edge.paths.length, "place"), sign, { kind: "edge", number });
}

// --- paths ---

function further(paths, label) {
  const block = make("details", { class: "path" }, make("summary", {}, label));
  block.addEventListener("toggle", () => {
    if (block.childElementCount === 1) block.append(...rest(paths));
  });
  return block;
}

// Blocks for some paths, and a button for the others.
function rest(paths) {
  const blocks = paths.slice(0, FIRST).map((path) => pathBlock(path, false));
  if (paths.length <= FIRST) return blocks;
  const left = paths.slice(FIRST);
  const button = make("button", { class: "more", type: "button" }, `Show ${left.length.toLocaleString("en")} more`);
  button.addEventListener("click", () => {
    const more = rest(left);
    button.replaceWith(...more);
    more[0].querySelector("summary").focus();
  });
  return [...blocks, button];
}

function pathBlock(number, open) {
  const path = graph.paths[number];
  const steps = path.steps.map((step) => graph.steps[step]);
  const [held, taken] = [steps.find((step) => step.locks), steps[steps.length - 1]];
  const ends = `${held.path.split("/").pop()}:${held.line} → ${taken.path.split("/").pop()}:${taken.line}`;
  const entry = make("span", { class: "name", title: `${path.module}.${path.entry}` }, ...breakable(path.entry));
  const block = make("details", { class: "path" }, make("summary", {}, entry, make("span", { class: "where" }, ends)));
  const fill = () => {
    if (block.childElementCount === 1) block.append(stepList(steps));
  };
  if (open) fill();
  block.open = open;
  block.addEventListener("toggle", fill);
  return block;
}

// What stands in brackets stays on one line.
function tied(text) {
  return text.replace(/\([^)]*\)$/, (part) => part.replaceAll(" ", "\u00a0"));
}

function stepList(steps) {
  const list = make("ol", { class: "steps" });
  steps.forEach((step, number) => {
    const kind = !step.locks ? "call" : number === steps.length - 1 ? "taken" : "held";
    const source = make("pre", { tabindex: 0 });
    step.source.forEach((line, at) => {
      const here = step.first + at === step.line && step.source.length > 1;
      source.append(make("span", { class: here ? "no here" : "no" }, String(step.first + at)), line, "\n");
    });
    if (step.cut) source.append(make("span", { class: "no" }, "…"));
    list.append(make("li", { class: kind },
      make("div", { class: "does" }, name(step.function), " ", tied(step.does)),
      make("div", { class: "where" }, ...breakable(`${step.path}:${step.line}`)),
      source));
  });
  return list;
}
