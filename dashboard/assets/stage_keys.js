/* Keys of conference mode, and "?" in any mode. A wish says when its key was pressed: a timer of the page can send it
   a second time. Streamlit calls the default export at every change of `data`, and what it returned when the element
   goes: the listener reads the latest arguments, and is put up once an element. */

const WISHES = {
  PageDown: "next", ArrowRight: "next", " ": "next", PageUp: "previous", ArrowLeft: "previous",
  Home: "first", End: "last", F5: "first", p: "play", n: "notes", u: "table", "?": "shortcuts",
};
const MOVES = new Set(["ArrowRight", "ArrowLeft", "Home", "End"]);
const MOVED = "input, select, textarea, [role=slider], [role=tab], [role=radio], [role=option], [role=combobox], [role=menuitem]";
const PRESSED = `${MOVED}, button, a[href], summary, [role=button], [role=switch]`;
const QUIET = new Set(["r", "c"]); // Streamlit's own: run again, clear caches
const PRESSES = 40, PRESS_MS = 250; // how often, and how far apart, a button is looked for

const FIT_MS = 300, SMALLEST = 0.72, FINER = 0.97; // how often a step is made to fit the screen, how far, and by what

const elements = new WeakMap();

function typing(target) {
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)
    || (target.tagName === "INPUT" && !/^(checkbox|radio|range|button|file)$/.test(target.type));
}

/* Whether a key belongs to the control that has the focus. */
function owned(key, target) {
  return (MOVES.has(key) && target.closest?.(MOVED)) || (key === " " && target.closest?.(PRESSED));
}

function blacken() {
  const black = document.createElement("div");
  black.id = "stage-black";
  black.style.cssText = "position:fixed;inset:0;background:#000;z-index:9999999;cursor:none";
  black.addEventListener("pointerdown", () => black.remove());
  document.body.append(black);
}

function onKey(event, element) {
  const { data, setTriggerValue } = element.latest;
  const target = event.composedPath()[0] ?? document.body;
  if (event.ctrlKey || event.metaKey || event.altKey || typing(target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const mine = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  const black = document.getElementById("stage-black");
  if (data.stage && black) {
    black.remove();
    mine();
  } else if (data.stage && (key === "b" || key === ".")) {
    blacken();
    mine();
  } else if (data.stage && QUIET.has(key)) {
    mine();
  } else if (WISHES[key] && (data.stage || key === "?") && !owned(key, target)) {
    mine();
    if (!event.repeat) setTriggerValue("wish", { key: WISHES[key], at: event.timeStamp });
  }
}

/* The control that says so, or has that key. A step is told to this file last, when all of its page is there. */
function find(says) {
  const all = document.querySelectorAll("[data-testid=stMain] :is(button, [role=tab], label)");
  const keyed = document.querySelector(`.st-key-${CSS.escape(says)} button`);
  const found = keyed ?? [...all].find((one) => one.innerText?.replace(/\s+/g, " ").trim().endsWith(says));
  return found && !found.disabled && !found.closest("[data-stale=true]") ? found : null;
}

function press(element, turn, left, tries = PRESSES) {
  clearTimeout(element.timer);
  if (!left.length || !tries || element.latest.data.turn !== turn) return;
  const found = find(left[0]);
  found?.click();
  element.timer = setTimeout(() => press(element, turn, found ? left.slice(1) : left, tries - 1), PRESS_MS);
}

/* Set the type of a step that is higher than the screen smaller, and with it all that is measured in type; only ever
   smaller until the next step, so that nothing jitters. Pictures keep their size: no zoom, which misleads Plotly. */
function fit(element) {
  const main = document.querySelector("[data-testid=stMain]"), root = document.documentElement.style;
  if (!main) return;
  if (!element.latest.data.stage || element.fitted !== window.ortholensTurn) root.removeProperty("--fit");
  element.fitted = window.ortholensTurn;
  if (!element.latest.data.stage || main.scrollHeight <= main.clientHeight) return;
  const share = Number(root.getPropertyValue("--fit") || 1);
  root.setProperty("--fit", Math.max(SMALLEST, share * FINER).toFixed(3));
}

export default function (component) {
  const { parentElement, data } = component;
  let element = elements.get(parentElement);
  if (!element) {
    element = { latest: component, listener: (event) => onKey(event, element) };
    elements.set(parentElement, element);
    window.addEventListener("keydown", element.listener, true);
    element.fitting = setInterval(() => fit(element), FIT_MS);
  }
  element.latest = component;
  if (!data.stage) window.ortholensTurn = null;
  if (data.stage && window.ortholensTurn !== data.turn) {
    window.ortholensTurn = data.turn;
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    press(element, data.turn, data.press);
  }
  return () => {
    clearTimeout(element.timer);
    clearInterval(element.fitting);
    document.documentElement.style.removeProperty("--fit");
    window.removeEventListener("keydown", element.listener, true);
    elements.delete(parentElement);
  };
}
