/* Keys of conference mode and of the speaker's page, "?" in any mode, and the buttons of the stage's bar, which are told
   like keys: a wish says when it was pressed, for a timer of the page can send it a second time. Streamlit calls the
   default export at every change of `data`, and what it returned when the element goes: the listener reads the latest
   arguments, and is put up once an element. */

const WISHES = {
  PageDown: "next", ArrowRight: "next", " ": "next", PageUp: "previous", ArrowLeft: "previous",
  Home: "first", End: "last", F5: "first", p: "play", n: "presenter", u: "table", v: "vote", "?": "shortcuts",
};
const MOVES = new Set(["ArrowRight", "ArrowLeft", "Home", "End"]);
const MOVED = "input, select, textarea, [role=slider], [role=tab], [role=radio], [role=option], [role=combobox], [role=menuitem], [role=application], [data-key]";
const PRESSED = `${MOVED}, button, a[href], summary, [role=button], [role=switch]`;
const QUIET = new Set(["r", "c"]); // Streamlit's own: run again, clear caches
const TOLD = 8; // the latest wishes, of which those are done that were not: a busy page takes two at once
const PRESSES = 40, PRESS_MS = 250; // how often, and how far apart, a button is looked for

const BAR = /(?:^|\s)st-key-stage-(next|previous|play|vote|end-vote|presenter|table|shortcuts)(?:\s|$)/;
const WINDOW = "popup,width=1100,height=760";

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
  const stage = data.mode === "stage";
  if (stage && black) {
    black.remove();
    mine();
  } else if (stage && (key === "b" || key === ".")) {
    blacken();
    mine();
  } else if (data.mode !== "page" && QUIET.has(key)) {
    mine();
  } else if (WISHES[key] && known(WISHES[key], data.mode) && !owned(key, target)) {
    mine();
    if (!event.repeat) tell(WISHES[key], event, element);
  }
}

/* Whether a wish can be made on a page. */
function known(wish, mode) {
  if (mode === "page") return wish === "shortcuts";
  return mode === "stage" || !["presenter", "table", "shortcuts"].includes(wish);
}

/* The speaker's page opens here, by the press itself: the token goes from this window to that one, and stands nowhere. */
function tell(wish, event, element) {
  const { data, setTriggerValue } = element.latest;
  if (wish === "presenter") {
    const language = new URLSearchParams(location.search).get("lang");
    const asked = new URLSearchParams({ presenter: data.token, ...(language && { lang: language }) });
    window.open(`${location.origin}${data.root}?${asked}`, "ortholens-presenter", WINDOW);
      return;
  }
  const keys = (window.ortholensKeys ??= []);
  keys.push({ key: wish, at: event.timeStamp });
  keys.splice(0, keys.length - TOLD);
  setTriggerValue("wish", [...keys]);
}

function onClick(event, element) {
  if (element.latest.data.mode !== "stage" || !event.target.closest?.("button")) return;
  for (let part = event.target; part; part = part.parentElement) {
    const wish = BAR.exec(part.className?.toString() ?? "")?.[1];
    if (wish) {
      event.preventDefault();
      event.stopImmediatePropagation();
      tell(wish, event, element);
      return;
    }
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

export default function (component) {
  const { parentElement, data } = component;
  let element = elements.get(parentElement);
  if (!element) {
    element = { latest: component, listener: (event) => onKey(event, element), pressed: (event) => onClick(event, element) };
    elements.set(parentElement, element);
    window.addEventListener("keydown", element.listener, true);
    window.addEventListener("click", element.pressed, true);
  }
  element.latest = component;
  if (data.mode !== "stage") window.ortholensTurn = null;
  if (data.mode === "stage" && window.ortholensTurn !== data.turn) {
    window.ortholensTurn = data.turn;
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    press(element, data.turn, data.press);
  }
  return () => {
    clearTimeout(element.timer);
    window.removeEventListener("keydown", element.listener, true);
    window.removeEventListener("click", element.pressed, true);
    elements.delete(parentElement);
  };
}
