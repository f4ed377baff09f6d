// The tasks as a graph: the list that the server sends is put in its places by dagre, arrows are drawn behind it.
// Reads data-key and data-after of the list's items. Top to bottom, since pipelines are long and pages are too.

import { Graph, layout } from "../dagre-3.1.3.esm.js";

const WIDTH = 190;
const HEIGHT = 48;
const GAP = 14;
const STEP = 22;
let drawn = "";

function items(list) {
  return [...list.children].map((item) => ({
    item, key: item.dataset.key, after: item.dataset.after.split(" ").filter(Boolean),
  }));
}

export function draw(list, arrows) {
  const nodes = items(list);
  const shape = JSON.stringify(nodes.map(({ key, after }) => [key, after]));
  if (shape === drawn) return;
  drawn = shape;
  const graph = new Graph().setGraph({ rankdir: "TB", nodesep: GAP, ranksep: STEP, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key } of nodes) graph.setNode(key, { width: WIDTH, height: HEIGHT });
  for (const { key, after } of nodes) for (const before of after) if (graph.hasNode(before)) graph.setEdge(before, key);
  layout(graph);
  const { width, height } = graph.graph();
  Object.assign(list.style, { display: "block", position: "relative", width: `${width}px`, height: `${height}px` });
  for (const { item, key } of nodes) {
    const { x, y } = graph.node(key);
    Object.assign(item.style, {
      position: "absolute", left: `${x - WIDTH / 2}px`, top: `${y - HEIGHT / 2}px`, width: `${WIDTH}px`,
      height: `${HEIGHT}px`, margin: 0,
    });
  }
  arrows.setAttribute("viewBox", `0 0 ${width} ${height}`);
  arrows.setAttribute("width", width);
  arrows.setAttribute("height", height);
  arrows.replaceChildren(...graph.edges().map((edge) => arrow(graph, edge)));
}

function arrow(graph, edge) {
  const from = graph.node(edge.v);
  const to = graph.node(edge.w);
  const between = graph.edge(edge).points.slice(1, -1);
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
