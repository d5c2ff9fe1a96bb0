/* Plays the frames of a motion. In a hall: there and back, over and over. Elsewhere with a bar: play and pause, one frame
   on or back, loop, speed, any frame, and keys. What was dropped in later is put behind what is there, and goes on
   playing. Whoever asked their system for less motion starts on a frame that stands still. Streamlit calls the default
   export at every change of `data`, and what it returned when the element goes. */

const SVG = "http://www.w3.org/2000/svg", SETTLED_MS = 300;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const players = new WeakMap(), SPEEDS = [0.25, 0.5, 1, 2, 4];

function made(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

class Player {
  constructor(root) {
    this.figure = root.querySelector("figure");
    this.parts = Object.fromEntries(["svg", "figcaption", ".bar", ".back", ".play", ".on", ".loop", ".speed", ".at", "output"].map(
      (name) => [name.replace(".", ""), root.querySelector(name)]));
    Object.assign(this, { at: 0, ahead: 1, speed: 1, loops: true, groups: [], frames: [] });
    const { back, play, on, loop, speed, at } = this.parts;
    back.onclick = () => this.step(-1);
    on.onclick = () => this.step(1);
    play.onclick = () => this.run(!this.plays);
    loop.onclick = () => this.repeat(!this.loops);
    speed.onchange = () => this.pace(Number(speed.value));
    at.oninput = () => { this.run(false); this.show(Number(at.value) - 1); };
    this.onKey = this.onKey.bind(this);
    document.addEventListener("keydown", this.onKey);
  }

  update(component) {
    const { data } = component, before = this.data, other = before?.film !== data.film;
    Object.assign(this, { component, data });
    const least = Math.min(...data.cell), [down, across] = data.cell.map((side) => side / least);
    this.parts.svg.setAttribute("viewBox", `0 0 ${data.width * across} ${data.height * down}`);
    this.parts.svg.setAttribute("aria-label", data.title);
    this.figure.classList.toggle("staged", !data.words);
    if (other) this.groups.splice(0).forEach((group) => group.remove());
    data.frames.forEach((frame, number) => this.take(frame, number, [down, across]));
    this.groups.splice(data.frames.length).forEach((group) => group.remove());
    this.frames = data.frames;
    if (other) this.at = Math.min(data.at, data.frames.length - 1);
    if (data.words) this.dress(data.words);
    this.show(Math.min(this.at, this.groups.length - 1));
    if (other) this.run(data.words ? data.plays && !still.matches : true);
    else if (this.waits) this.run(true); // it had come to the end of what was there
  }

  take(frame, number, [down, across]) {
    const old = this.groups[number];
    if (old && JSON.stringify(this.frames[number]) === JSON.stringify(frame)) return;
    const group = made("g", { visibility: "hidden", transform: `scale(${across} ${down})` }, this.parts.svg);
    made("image", { href: frame.picture, width: this.data.width, height: this.data.height }, group);
    for (const { path, fill, line } of frame.outlines)
      made("path", { d: path, fill, stroke: line, "fill-rule": "evenodd", "stroke-width": 2, transform: "translate(.5 .5)" }, group);
    old?.remove();
    this.groups[number] = group;
  }

  dress(words) {
    const { back, on, loop, speed, at } = this.parts;
    for (const [node, said] of [[back, words.back], [on, words.on], [loop, words.loop], [speed, words.speed], [at, words.at]]) {
      node.title = said;
      node.setAttribute("aria-label", said);
    }
    if (!speed.options.length) for (const pace of SPEEDS) speed.add(new Option("", pace, pace === 1, pace === 1));
    [...speed.options].forEach((option, number) => { option.text = words.speeds[number]; });
    at.max = this.groups.length;
    this.repeat(this.loops);
  }

  show(number) {
    this.at = number;
    this.groups.forEach((group, at) => group.setAttribute("visibility", at === number ? "visible" : "hidden"));
    this.parts.figcaption.textContent = this.data.says[number];
    this.parts.at.value = number + 1;
    this.parts.at.setAttribute("aria-valuetext", this.data.says[number]);
    this.parts.output.textContent = `${number + 1} / ${this.data.total}`;
    if (!this.plays) this.tell();
  }

  step(by) {
    this.run(false);
    const count = this.groups.length, next = this.at + by;
    this.show(this.loops ? (next + count) % count : Math.min(Math.max(next, 0), count - 1));
  }

  run(plays) {
    clearInterval(this.timer);
    this.plays = plays;
    this.waits = false;
    if (plays) this.timer = setInterval(() => this.turn(), this.data.ms / this.speed);
    if (plays && !this.loops && this.at === this.groups.length - 1) this.show(0);
    const { play } = this.parts, words = this.data.words;
    play.textContent = plays ? "❚❚" : "▶";
    if (words) play.title = plays ? words.pause : words.play;
    play.setAttribute("aria-label", play.title);
    if (!plays) this.tell();
  }

  turn() {
    const last = this.groups.length - 1;
    if (!this.data.words) { // in a hall
      if (still.matches || last < 1) return;
      if (this.at + this.ahead < 0 || this.at + this.ahead > last) this.ahead = -this.ahead;
      this.show(this.at + this.ahead);
    } else if (this.at < last) this.show(this.at + 1);
    else if (this.loops) this.show(0);
    else {
      this.run(false);
      this.waits = this.groups.length < this.data.total;
    }
  }

  repeat(loops) {
    this.loops = loops;
    this.parts.loop.setAttribute("aria-pressed", loops);
  }

  pace(speed) {
    this.speed = speed;
    this.parts.speed.value = speed;
    if (this.plays) this.run(true);
  }

  /* Where it stands is told once it has stood for a moment. */
  tell() {
    clearTimeout(this.telling);
    if (!this.data.tells) return;
    this.telling = setTimeout(() => {
      if (this.plays || this.told === this.at) return;
      this.told = this.at;
      this.component.setStateValue("frame", this.at + 1);
    }, SETTLED_MS);
  }

  onKey(event) {
    const inside = event.composedPath().includes(this.figure), free = event.target === document.body;
    if (!this.data?.words || !(inside || free) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { speed, at } = this.parts, own = event.composedPath()[0];
    if (own === speed || (own === at && event.key !== " ")) return; // these have keys of their own
    const pace = SPEEDS.indexOf(this.speed), acts = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), l: () => this.repeat(!this.loops),
      "+": () => this.pace(SPEEDS[Math.min(pace + 1, SPEEDS.length - 1)]), "-": () => this.pace(SPEEDS[Math.max(pace - 1, 0)]),
    };
    if (inside) {
      Object.assign(acts, { Home: () => this.step(-this.at), End: () => this.step(this.groups.length - 1 - this.at) });
      if (own.tagName !== "BUTTON") acts[" "] = () => this.run(!this.plays);
    }
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  leave() {
    clearInterval(this.timer);
    clearTimeout(this.telling);
    document.removeEventListener("keydown", this.onKey);
  }
}

export default function (component) {
  const { parentElement } = component;
  if (!players.has(parentElement)) players.set(parentElement, new Player(parentElement));
  players.get(parentElement).update(component);
  return () => {
    players.get(parentElement)?.leave();
    players.delete(parentElement);
  };
}
