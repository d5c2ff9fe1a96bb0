/* How marks on a film are drawn from their places on the screen; `handles.js` is appended to it. */

const SVG = "http://www.w3.org/2000/svg";

const between = (a, b, share = 0.5) => [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

function made(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

function arc(at, from, to, radius = 24) {
  const [a, b] = [from, to].map(([x, y]) => Math.atan2(y - at[1], x - at[0]));
  const turn = Math.atan2(Math.sin(b - a), Math.cos(b - a)), steps = 16;
  return path(Array.from({ length: steps + 1 }, (_, i) => {
    const angle = a + (turn * i) / steps;
    return [at[0] + radius * Math.cos(angle), at[1] + radius * Math.sin(angle)];
  }));
}

function circle([a, b, c]) {
  const [bx, by, cx, cy] = [b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]], twice = 2 * (bx * cy - by * cx);
  const x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / twice;
  const y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / twice, r = Math.hypot(x, y);
  if (!(r < 1e5)) return null; // three points on a line
  return { at: [a[0] + x, a[1] + y], d: `M${a[0] + x - r} ${a[1] + y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0` };
}

/* The parabola through three points, by their distance along it. */
function curve([a, b, c]) {
  const [first, second] = [Math.hypot(b[0] - a[0], b[1] - a[1]), Math.hypot(c[0] - b[0], c[1] - b[1])], steps = 24;
  const m = Math.max(first, 1e-6) / (Math.max(first, 1e-6) + Math.max(second, 1e-6));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = i / steps, weights = [((t - m) * (t - 1)) / m, (t * (t - 1)) / (m * (m - 1)), (t * (t - m)) / (1 - m)];
    return [0, 1].map((axis) => weights[0] * a[axis] + weights[1] * b[axis] + weights[2] * c[axis]);
  });
}

function foot([a, b, p]) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const share = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy || 1);
  return { share, at: between(a, b, share) };
}

/* How each kind of mark is drawn from its places on the screen: whole lines, dashed ones, and where its label stands. */
const MARKS = {
  line: (p) => ({ whole: path(p), label: between(p[0], p[p.length - 1]) }),
  curve: (p) => ({ whole: path(curve(p)), label: p[1] }),
  angle: ([a, v, b]) => ({ whole: path([a, v, b]) + arc(v, a, b), label: v }),
  cobb: ([a, b, c, d]) => {
    const [m, n] = [between(a, b), between(c, d)];
    return { whole: path([a, b]) + path([c, d]), dashed: path([m, n]), label: between(m, n) };
  },
  circle: (p) => {
    const found = circle(p);
    if (!found) return { whole: path(p), label: p[1] };
    const [x, y] = found.at;
    return { whole: found.d + path([[x - 5, y], [x + 5, y]]) + path([[x, y - 5], [x, y + 5]]), label: found.at };
  },
  box: ([a, b]) => ({ whole: path([a, [b[0], a[1]], b, [a[0], b[1]], a]), label: [Math.min(a[0], b[0]), Math.min(a[1], b[1])] }),
  perpendicular: ([a, b, p]) => {
    const { share, at } = foot([a, b, p]);
    const beyond = share < 0 ? path([a, at]) : share > 1 ? path([b, at]) : "";
    return { whole: path([a, b]) + path([p, at]), dashed: beyond, label: between(p, at) };
  },
};
