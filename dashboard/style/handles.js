/* A film with points on it: placed by click or crosshair, dragged, nudged by arrow keys, under zoom and pan. Lines
   between points follow at once; what they measure follows when the server has answered. Streamlit calls the default
   export at every change of `data`, and what it returned when the element goes. What is told carries when it happened,
   with the last few before it: of two messages that come together the server sees only the second. */

const CLICK_PX = 4, PAUSE_MS = 180, TOLD = 8, MOST_ZOOM = 40, WHEEL = 0.0016, PAN_PX = 40, SPELL_MS = 900, BAR_SHARE = 0.22;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const boards = new WeakMap(), shown = new Set();

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
const now = () => performance.timeOrigin + performance.now();
const round = ([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100];

class Board {
  constructor(root) {
    this.frame = root.querySelector(".board");
    this.svg = root.querySelector("svg");
    this.said = root.querySelector(".said");
    this.layers = Object.fromEntries(["film", "rings", "marks", "pending", "handles", "cross", "bar"].map(
      (name) => [name, made("g", { class: name }, this.svg)]));
    this.film = made("image", { preserveAspectRatio: "none" }, this.layers.film);
    this.handles = new Map(); // key -> { node, ring, at, name, fresh }
    this.pending = [];
    this.pointers = new Map();
    this.told = [];
    this.buttons = {};
    for (const [name, act] of [["in", () => this.zoom(1.5)], ["out", () => this.zoom(1 / 1.5)], ["whole", () => this.seeWhole()]]) {
      (this.buttons[name] = root.querySelector(`.${name}`)).onclick = act;
    }
    for (const [name, act] of Object.entries({
      pointerdown: this.onDown, pointermove: this.onMove, pointerup: this.onUp, pointercancel: this.onUp,
      dblclick: () => this.data.place || this.seeWhole(), keydown: this.onKey, wheel: this.onWheel,
      focusout: () => this.aim(null), pointerleave: () => this.aim(null),
    })) this.svg.addEventListener(name, act.bind(this), { passive: false });
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.svg);
  }

  update(component) {
    const { data } = component, before = this.data;
    Object.assign(this, { component, data });
    const least = Math.min(...data.cell);
    [this.down, this.across] = data.cell.map((side) => side / least);
    if (before?.picture !== data.picture) this.film.setAttribute("href", data.picture);
    if (before?.place !== data.place || before?.tool !== data.tool) this.pending = [];
    this.frame.style.height = data.height;
    this.svg.setAttribute("aria-label", data.name);
    this.svg.classList.toggle("placing", data.place > 0);
    for (const [name, button] of Object.entries(this.buttons)) {
      button.title = data.says[name];
      button.setAttribute("aria-label", data.says[name]);
    }
    this.takeHandles();
    const shape = String(data.shape);
    if (this.shape !== shape) this.whole = true;
    this.shape = shape;
    this.resize();
    this.asked = false; // what was told before is answered
    if (this.held?.fresh) this.follow(this.held);
  }

  takeHandles() {
    const keys = new Set(this.data.handles.map(({ key }) => key));
    for (const [key, handle] of this.handles) {
      if (keys.has(key)) continue;
      handle.node.remove();
      this.handles.delete(key);
    }
    for (const told of this.data.handles) {
      const handle = this.handles.get(told.key) ?? this.newHandle(told.key);
      if (!handle.fresh) handle.at = [told.x, told.y];
      handle.told = told;
      handle.node.style.setProperty("--colour", told.colour);
      handle.node.classList.toggle("strong", told.strong);
      this.layers.handles.append(...(handle.node.isConnected ? [] : [handle.node]));
    }
  }

  newHandle(key) {
    const node = made("g", { class: "handle", tabindex: 0, role: "button" }, this.layers.handles);
    made("circle", { class: "reach", r: 13 }, node);
    made("circle", { class: "rim", r: 6 }, node);
    made("path", { class: "diamond", d: "M0 -9L9 0L0 9L-9 0Z" }, node);
    made("circle", { class: "dot", r: 1.5 }, node);
    made("text", { class: "name", y: 30, "text-anchor": "middle" }, node);
    node.dataset.key = key;
    const handle = { node, fresh: false, timer: 0 };
    this.handles.set(key, handle);
    return handle;
  }

  /* The view: the picture's upper left corner and how many pixels of the screen its smaller side of a pixel takes. */
  resize() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!width || !this.data) return;
    Object.assign(this, { width, height });
    if (this.whole) this.fit();
    else this.render();
  }

  get extent() {
    const [rows, columns] = this.data.shape;
    return [columns * this.across, rows * this.down];
  }

  fit() {
    const [wide, tall] = this.extent;
    this.scale = this.least = Math.min(this.width / wide, this.height / tall);
    [this.left, this.top] = [(this.width - wide * this.scale) / 2, (this.height - tall * this.scale) / 2];
    this.whole = true;
    this.render();
  }

  zoom(factor, [x, y] = [this.width / 2, this.height / 2]) {
    const scale = clamp(this.scale * factor, this.least, this.least * MOST_ZOOM), grown = scale / this.scale;
    if (scale <= this.least) return this.seeWhole();
    this.whole = false;
    [this.left, this.top, this.scale] = [x - (x - this.left) * grown, y - (y - this.top) * grown, scale];
    this.render();
    this.tellLinked();
  }

  pan(dx, dy) {
    if (this.whole) return;
    const [wide, tall] = this.extent.map((side) => side * this.scale);
    this.left = clamp(this.left + dx, this.width / 2 - wide, this.width / 2);
    this.top = clamp(this.top + dy, this.height / 2 - tall, this.height / 2);
    this.render();
    this.tellLinked();
  }

  seeWhole() {
    this.fit();
    this.tellLinked();
  }

  /* Boards of one link see the same part of their pictures: as near, and with the same place in the middle. */
  tellLinked() {
    if (!this.data.link) return;
    const [wide, tall] = this.extent.map((side) => side * this.scale);
    const middle = [(this.width / 2 - this.left) / wide, (this.height / 2 - this.top) / tall];
    for (const other of shown) {
      if (other !== this && other.data?.link === this.data.link) other.seeAs(this.whole, this.scale / this.least, middle);
    }
  }

  seeAs(whole, zoom, [across, down]) {
    this.fit();
    if (whole) return;
    this.whole = false;
    this.scale = this.least * zoom;
    const [wide, tall] = this.extent.map((side) => side * this.scale);
    [this.left, this.top] = [this.width / 2 - across * wide, this.height / 2 - down * tall];
    this.render();
  }

  place([x, y]) {
    return [this.left + (x + 0.5) * this.across * this.scale, this.top + (y + 0.5) * this.down * this.scale];
  }

  under([x, y]) {
    const [rows, columns] = this.data.shape;
    return [
      clamp((x - this.left) / (this.across * this.scale) - 0.5, -0.5, columns - 0.5),
      clamp((y - this.top) / (this.down * this.scale) - 0.5, -0.5, rows - 0.5),
    ];
  }

  at(event) {
    const { left, top } = this.svg.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  render() {
    const [wide, tall] = this.extent.map((side) => side * this.scale);
    for (const [key, value] of Object.entries({ x: this.left, y: this.top, width: wide, height: tall })) this.film.setAttribute(key, value);
    this.layers.rings.replaceChildren();
    for (const handle of this.handles.values()) {
      const [x, y] = this.place(handle.at), [column, row] = handle.at;
      handle.node.setAttribute("transform", `translate(${x} ${y})`);
      handle.node.setAttribute("aria-label", `${handle.told.name}: ${this.written([column, row])}`);
      handle.node.lastChild.textContent = handle.told.name;
      if (handle.told.radius_px > 0) {
        const r = handle.told.radius_px * this.scale;
        made("ellipse", { cx: x, cy: y, rx: r * this.across, ry: r * this.down, style: `--colour:${handle.told.colour}` }, this.layers.rings);
      }
    }
    this.layers.marks.replaceChildren();
    for (const mark of this.data.marks) this.drawMark(mark);
    this.drawPending();
    this.drawBar();
  }

  /* A bar of a round length in the lower left corner, where lengths are known. */
  drawBar() {
    this.layers.bar.replaceChildren();
    if (!this.data.mm) return;
    const perPixel = this.scale / this.data.mm, most = (this.width * BAR_SHARE) / perPixel; // in mm
    const ten = 10 ** Math.floor(Math.log10(most)), length = ten * (most >= 5 * ten ? 5 : most >= 2 * ten ? 2 : 1);
    const [x, y] = [20, this.height - 20];
    made("path", { d: path([[x, y], [x + length * perPixel, y]]) }, this.layers.bar);
    const text = made("text", { x, y: y - 9 }, this.layers.bar);
    text.textContent = `${length.toLocaleString(document.documentElement.lang || "en", { maximumFractionDigits: 3 })} mm`;
  }

  drawMark({ kind, points, label, says, colour, dashed }) {
    const places = points.map((point) => this.place(typeof point === "string" ? this.handles.get(point).at : point));
    const drawn = MARKS[kind](places), group = made("g", { style: `--colour:${colour}` }, this.layers.marks);
    if (says) made("title", {}, made("path", { d: drawn.whole, class: "grip" }, group)).textContent = says;
    for (const under of ["halo", "line"]) {
      made("path", { d: drawn.whole, class: dashed ? `${under} dashed` : under }, group);
      if (drawn.dashed) made("path", { d: drawn.dashed, class: `${under} dashed` }, group);
    }
    if (!label) return;
    const behind = drawn.label[0] > this.width * 0.7;
    const text = made("text", { x: drawn.label[0] + (behind ? -12 : 12), y: drawn.label[1] - 10, "text-anchor": behind ? "end" : "start" }, group);
    text.textContent = label;
    text.classList.toggle("stale", points.some((point) => this.handles.get(point)?.fresh));
  }

  drawPending() {
    const places = this.pending.map((point) => this.place(point)), aimed = this.aimed && this.place(this.aimed);
    const line = aimed && places.length ? [...places, aimed] : places;
    this.layers.pending.replaceChildren();
    if (line.length > 1) made("path", { d: path(line), class: "line" }, this.layers.pending);
    for (const [cx, cy] of places) made("circle", { cx, cy, r: 4 }, this.layers.pending);
    this.layers.cross.replaceChildren();
    if (this.aimed && this.byKey) {
      const [x, y] = aimed;
      made("path", { d: path([[x - 16, y], [x + 16, y]]) + path([[x, y - 16], [x, y + 16]]) }, this.layers.cross);
    }
  }

  written([column, row]) {
    const write = (value) => value.toLocaleString(document.documentElement.lang || "en", { maximumFractionDigits: 1 });
    return this.data.says.place.replace("{x}", write(column)).replace("{y}", write(row));
  }

  aim(at, byKey = false) {
    Object.assign(this, { aimed: at, byKey });
    if (this.data) this.drawPending();
  }

  add(point) {
    this.pending.push(round(point));
    if (this.pending.length < this.data.place) {
      this.said.textContent = `${this.pending.length} / ${this.data.place}`;
      return this.drawPending();
    }
    this.tell("placed", "", this.pending);
    this.pending = [];
    this.drawPending();
  }

  tell(kind, key, points = [], turn = 0) {
    this.told = [...this.told, { kind, key, points: points.map(round), turn, at: now() }].slice(-TOLD);
    this.asked = true;
    this.component.setTriggerValue("touch", this.told);
  }

  /* While a handle is under way the server is told where it is, each time that it has answered. */
  follow(handle) {
    this.held = handle;
    if (this.asked || String(handle.sent) === String(handle.at)) return;
    handle.sent = [...handle.at];
    this.tell("moved", handle.told.key, [handle.at], handle.turn);
  }

  /* A handle is the hand's own until it stands still. */
  move(handle, at) {
    handle.at = [clamp(at[0], -0.5, this.data.shape[1] - 0.5), clamp(at[1], -0.5, this.data.shape[0] - 0.5)];
    handle.fresh = true;
    clearTimeout(handle.timer);
    this.render();
    this.follow(handle);
  }

  settle(handle, wait = 0) {
    clearTimeout(handle.timer);
    handle.timer = setTimeout(() => {
      handle.fresh = false;
      handle.spell = now();
      this.held = null;
      this.said.textContent = this.written(handle.at);
      this.tell("moved", handle.told.key, [handle.at], handle.turn);
    }, wait);
  }

  onDown(event) {
    if (event.button) return;
    const key = event.target.closest?.(".handle")?.dataset.key, start = this.at(event);
    this.svg.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { start, last: start, handle: key && this.handles.get(key), moved: false });
    event.preventDefault(); // no text is selected; the focus is set by hand
    (key ? this.handles.get(key).node : this.svg).focus({ preventScroll: true });
    if (key) this.handles.get(key).turn = now();
  }

  onMove(event) {
    const at = this.at(event), pointer = this.pointers.get(event.pointerId);
    if (this.data.place && !pointer?.handle) this.aim(this.under(at));
    if (!pointer) return;
    pointer.moved ||= Math.hypot(at[0] - pointer.start[0], at[1] - pointer.start[1]) > CLICK_PX;
    const before = pointer.last;
    pointer.last = at;
    if (!pointer.moved) return;
    const other = [...this.pointers.values()].find((one) => one !== pointer);
    if (pointer.handle) this.move(pointer.handle, this.under(at));
    else if (other) {
      const apart = (one) => Math.hypot(one[0] - other.last[0], one[1] - other.last[1]);
      this.zoom(apart(at) / Math.max(apart(before), 1), between(at, other.last));
    } else this.pan(at[0] - before[0], at[1] - before[1]);
  }

  onUp(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (!pointer || event.type === "pointercancel") return pointer?.handle?.fresh && this.settle(pointer.handle);
    if (pointer.handle && pointer.moved) this.settle(pointer.handle);
    else if (pointer.handle && this.data.chooses) this.tell("chosen", pointer.handle.told.key);
    else if (!pointer.handle && !pointer.moved && this.data.place) this.add(this.under(pointer.start));
  }

  onWheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * WHEEL), this.at(event));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey) return;
    const handle = this.handles.get(event.target.dataset?.key), arrow = ARROWS[event.key];
    const step = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
    const acts = {
      "+": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.seeWhole(),
      Delete: handle && (() => this.tell("removed", handle.told.key)),
      Escape: this.pending.length && (() => ((this.pending = []), this.drawPending())),
      Backspace: this.pending.length && (() => (this.pending.pop(), this.drawPending())),
    };
    const [enter, act] = [event.key === "Enter" || event.key === " ", acts[event.key]];
    if (arrow && handle) {
      if (!handle.fresh && now() - (handle.spell ?? 0) > SPELL_MS) handle.turn = now();
      this.move(handle, [handle.at[0] + step * arrow[0], handle.at[1] + step * arrow[1]]);
      this.settle(handle, PAUSE_MS);
    } else if (arrow && this.data.place) {
      const [x, y] = this.aimed ?? this.under([this.width / 2, this.height / 2]).map(Math.round);
      this.aim([x + step * arrow[0], y + step * arrow[1]], true);
      this.said.textContent = this.written(this.aimed);
    } else if (arrow) this.pan(-arrow[0] * PAN_PX, -arrow[1] * PAN_PX);
    else if (enter && handle && this.data.chooses) this.tell("chosen", handle.told.key);
    else if (enter && !handle && this.data.place) this.add(this.aimed ?? this.under([this.width / 2, this.height / 2]));
    else if (act) act();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default function (component) {
  const { parentElement } = component;
  const board = boards.get(parentElement) ?? new Board(parentElement);
  boards.set(parentElement, board);
  shown.add(board);
  board.update(component);
  return () => {
    shown.delete(board);
    board.watch.disconnect();
    boards.delete(parentElement);
  };
}
