// The drawing: boxes and curves as laid out, with zoom and pan by the view box.
const svg = byId("graph");
const nodes = new Map();
const edges = [];
const HEIGHT = graph.height;
const MARGIN = 40;
const bounds = boundsOf(graph.tables);
let view = { ...bounds };

function boundsOf(tables) {
  const boxes = tables.map((table) => graph.boxes[table]);
  if (!boxes.length) return { x: 0, y: 0, width: 100, height: 100 };
  const left = Math.min(...boxes.map(([x, , width]) => x - width / 2)) - MARGIN;
  const right = Math.max(...boxes.map(([x, , width]) => x + width / 2)) + MARGIN;
  const top = Math.min(...boxes.map(([, y]) => y)) - HEIGHT / 2 - MARGIN;
  const bottom = Math.max(...boxes.map(([, y]) => y)) + HEIGHT / 2 + MARGIN;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function drawGraph() {
  svg.classList.toggle("dense", graph.edges.length > 60);
  graph.edges.forEach((edge, number) => {
    const count = edge.paths.length;
    const label = `${edge.held} → ${edge.taken}: ${plural(count, "place")}`;
    const width = (edge.in_cycle ? 1.8 : 1) + Math.min(2, Math.log10(count));
    const group = draw(
      "g",
      { class: edge.in_cycle ? "edge cyclic" : "edge", tabindex: -1, role: "button", "aria-label": label },
      draw("title", {}, label),
      draw("path", { class: "hit", d: graph.routes[number] }),
      draw("path", { class: "line", d: graph.routes[number], style: `stroke-width:${width.toFixed(2)}` }),
    );
    act(group, { kind: "edge", number });
    edges.push(group);
  });
  byId("edges").append(...edges.filter((_, n) => !graph.edges[n].in_cycle), ...edges.filter((_, n) => graph.edges[n].in_cycle));
  for (const table of graph.tables) {
    const [x, y, width] = graph.boxes[table];
    const group = draw(
      "g",
      { class: cyclicTables.has(table) ? "node cyclic" : "node", tabindex: -1, role: "button", "aria-label": table },
      draw("rect", { x: x - width / 2, y: y - HEIGHT / 2, width, height: HEIGHT, rx: 8 }),
      draw("text", { x, y }, table),
    );
    act(group, { kind: "table", table });
    group.addEventListener("keydown", (event) => walk(event, table));
    nodes.set(table, group);
  }
  byId("nodes").append(...nodes.values());
  nodes.values().next().value?.setAttribute("tabindex", 0);
}

function act(group, choice) {
  group.addEventListener("click", () => choose(choice));
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(choice);
  });
}

// Arrow keys go from a table to the nearest one in that direction; one table is in the order of the Tab key.
function walk(event, table) {
  const ways = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const way = ways[event.key];
  if (!way) return;
  event.preventDefault();
  const [x, y] = graph.boxes[table];
  let best = null;
  for (const other of graph.tables) {
    const [dx, dy] = [graph.boxes[other][0] - x, graph.boxes[other][1] - y];
    const ahead = dx * way[0] + dy * way[1];
    const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
    const shown = nodes.get(other).checkVisibility();
    if (shown && ahead > 1 && (!best || ahead + 2 * aside < best.cost)) best = { other, cost: ahead + 2 * aside };
  }
  if (best) stepTo(best.other);
}

function stepTo(table) {
  for (const node of nodes.values()) node.setAttribute("tabindex", -1);
  const node = nodes.get(table);
  node.setAttribute("tabindex", 0);
  node.focus({ preventScroll: true });
  reveal([table]);
}

// --- view ---

function setView(next) {
  view = next;
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
}

// A view of the stage's own shape, so that a pixel is `scale` units wide everywhere.
function around(box, smallest = 0) {
  const { width, height } = svg.getBoundingClientRect();
  const scale = Math.max(box.width / (width || 1), box.height / (height || 1), smallest);
  const size = { width: scale * (width || 1), height: scale * (height || 1) };
  return { x: box.x + (box.width - size.width) / 2, y: box.y + (box.height - size.height) / 2, ...size };
}

function fit() {
  setView(around(bounds, 0.85));
}

function reveal(tables) {
  const box = boundsOf(tables);
  const inside = box.x >= view.x && box.y >= view.y
    && box.x + box.width <= view.x + view.width && box.y + box.height <= view.y + view.height;
  if (inside) return;
  const { width } = svg.getBoundingClientRect();
  setView(around(box, view.width / (width || 1)));
}

function zoom(factor, x = view.x + view.width / 2, y = view.y + view.height / 2) {
  const { width } = svg.getBoundingClientRect();
  const scale = Math.min(6, Math.max(0.25, (view.width * factor) / (width || 1)));
  const real = (scale * (width || 1)) / view.width;
  setView({
    x: x - (x - view.x) * real, y: y - (y - view.y) * real, width: view.width * real, height: view.height * real,
  });
}

function watchPointer() {
  let grabbed = null;
  const unit = () => view.width / (svg.getBoundingClientRect().width || 1);
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    const [x, y] = [view.x + (event.clientX - box.x) * unit(), view.y + (event.clientY - box.y) * unit()];
    zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), x, y);
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0) grabbed = { x: event.clientX, y: event.clientY, view: { ...view }, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!grabbed) return;
    const [dx, dy] = [event.clientX - grabbed.x, event.clientY - grabbed.y];
    grabbed.moved ||= Math.hypot(dx, dy) > 4;
    if (!grabbed.moved) return;
    svg.classList.add("moving");
    setView({ ...grabbed.view, x: grabbed.view.x - dx * unit(), y: grabbed.view.y - dy * unit() });
  });
  addEventListener("pointerup", () => {
    svg.classList.remove("moving");
    if (grabbed?.moved) addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
    grabbed = null;
  });
  svg.addEventListener("click", (event) => {
    if (event.target === svg) choose(null);
  });
}
