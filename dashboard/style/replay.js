/* Plays the frames of a motion there and back, over and over; one stands still for whoever wants less motion. */

const SVG = "http://www.w3.org/2000/svg";
const still = matchMedia("(prefers-reduced-motion: reduce)");
const players = new WeakMap();

function made(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

function drawn(figure, { frames, width, height, cell: [down, across], title }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width * across} ${height * down}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const groups = frames.map(({ picture, outlines }) => {
    const group = made("g", { visibility: "hidden", transform: `scale(${across} ${down})` }, svg);
    made("image", { href: picture, width, height }, group);
    for (const { path, fill, line } of outlines)
      made("path", { d: path, fill, stroke: line, "fill-rule": "evenodd", "stroke-width": 2, transform: "translate(.5 .5)" }, group);
    return group;
  });
  const caption = document.createElement("figcaption");
  figure.replaceChildren(svg, caption);
  return { groups, caption };
}

function turn(player) {
  const count = player.groups.length, step = player.at % Math.max(1, 2 * count - 2);
  const shown = step < count ? step : 2 * count - 2 - step;
  player.groups.forEach((group, number) => group.setAttribute("visibility", number === shown ? "visible" : "hidden"));
  player.caption.textContent = player.says[shown];
  if (!still.matches) player.at += 1;
}

export default function ({ parentElement, data }) {
  let player = players.get(parentElement);
  const drawing = JSON.stringify([data.frames, data.says]);
  if (player?.drawing !== drawing) {
    clearInterval(player?.timer);
    player = { drawing, at: 0, says: data.says, ...drawn(parentElement.querySelector("figure"), data) };
    players.set(parentElement, player);
    turn(player);
    player.timer = setInterval(() => turn(player), data.ms);
  }
  return () => {
    clearInterval(player.timer);
    players.delete(parentElement);
  };
}
