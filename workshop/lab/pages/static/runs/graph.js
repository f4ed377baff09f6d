// The tasks as a graph: dagre places the items of the server's list; arrows are drawn behind it.
// Reads data-key and data-after of the list's items. Top to bottom, because pipelines are long, as pages are.

import { Graph, layout } from "../dagre-3.1.3.esm.js";

const WIDTHS = [190, 168, 150];
const HEIGHT = 48;
let drawn = "";

function items(list) {
  return [...list.children].map((item) => ({
    item, key: item.dataset.key, after: item.dataset.after.split(" ").filter(Boolean),
  }));
}

// Every task is as high as its earliest start. dagre's longest path begins at the end, so it gets the graph upside
// down.
function laid(nodes, width) {
  const graph = new Graph().setGraph({ rankdir: "BT", ranker: "longest-path", nodesep: 14, ranksep: 22, marginx: 4,
                                       marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key } of nodes) graph.setNode(key, { width, height: HEIGHT });
  for (const { key, after } of nodes) for (const before of after) if (graph.hasNode(before)) graph.setEdge(key, before);
  layout(graph);
  return graph;
}

// The children of a matrix have the same neighbours, so they can be sorted from left to right by their index.
function places(nodes, graph) {
  const found = new Map(nodes.map(({ key }) => [key, graph.node(key)]));
  for (const task of new Set(nodes.map(({ key }) => key.split("/")[0]))) {
    const keys = nodes.map(({ key }) => key).filter((key) => key.startsWith(`${task}/`));
    const free = keys.map((key) => graph.node(key)).sort((one, other) => one.x - other.x);
    keys.forEach((key, index) => found.set(key, free[index]));
  }
  return found;
}

export function draw(list, arrows) {
  const nodes = items(list);
  const shape = JSON.stringify(nodes.map(({ key, after }) => [key, after]));
  if (shape === drawn && list.style.position) return;
  drawn = shape;
  const room = space(list.closest(".board"));
  let chosen = 0;
  let graph = null;
  for (chosen of WIDTHS) {
    graph = laid(nodes, chosen);
    if (graph.graph().width <= room) break;
  }
  const { width, height } = graph.graph();
  Object.assign(list.style, { display: "block", position: "relative", width: `${width}px`, height: `${height}px` });
  const at = places(nodes, graph);
  for (const { item, key } of nodes) {
    const { x, y } = at.get(key);
    Object.assign(item.style, {
      position: "absolute", left: `${x - chosen / 2}px`, top: `${y - HEIGHT / 2}px`, width: `${chosen}px`,
      height: `${HEIGHT}px`, margin: 0,
    });
  }
  arrows.setAttribute("viewBox", `0 0 ${width} ${height}`);
  arrows.setAttribute("width", width);
  arrows.setAttribute("height", height);
  arrows.replaceChildren(...graph.edges().map((edge) => arrow(graph, edge)));
  show(list);
}

// Next to the panel the style sheet sets the graph's width; above the panel, on a phone, it has the full width.
function space(board) {
  const nextToPanel = getComputedStyle(board).gridTemplateColumns.split(" ").length > 1;
  return board.clientWidth * (nextToPanel ? 0.55 : 1) - 56;
}

// A graph that is larger than its frame is scrolled to the selected task.
function show(list) {
  const item = list.querySelector("[aria-current]")?.parentElement;
  const frame = list.parentElement;
  if (!item) return;
  frame.scrollLeft = item.offsetLeft + item.offsetWidth / 2 - frame.clientWidth / 2;
  frame.scrollTop = item.offsetTop + item.offsetHeight / 2 - frame.clientHeight / 2;
}

function arrow(graph, edge) {
  const from = graph.node(edge.w);
  const to = graph.node(edge.v);
  const between = graph.edge(edge).points.slice(1, -1).reverse();
  const points = [{ x: from.x, y: from.y + HEIGHT / 2 }, ...between, { x: to.x, y: to.y - HEIGHT / 2 }];
  let line = `M${points[0].x} ${points[0].y}`;
  for (let n = 1; n < points.length; n += 1) {
    const middle = (points[n - 1].y + points[n].y) / 2;
    line += `C${points[n - 1].x} ${middle} ${points[n].x} ${middle} ${points[n].x} ${points[n].y}`;
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", line);
  return path;
}

// The next task in the direction of an arrow key gets the focus; false when there is none.
export function move(list, from, key) {
  const links = [...list.querySelectorAll("a")];
  const here = from.closest("a").getBoundingClientRect();
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  let best = null;
  let least = Infinity;
  for (const link of links) {
    const there = link.getBoundingClientRect();
    const x = there.x - here.x;
    const y = there.y - here.y;
    const ahead = x * dx + y * dy;
    const distance = ahead + 3 * Math.abs(x * dy + y * dx);
    if (ahead > 1 && distance < least) [best, least] = [link, distance];
  }
  best?.focus();
  return Boolean(best);
}
