/* Asks before the page is left or loaded anew while files of the user are on the table: they would be gone. The
   browser words the question. A listener that is there keeps a page out of the browser's back-forward cache, so it is
   put up only while there is something to lose. And tells when no hand was there for a while: a sleeping machine counts
   as nobody. */

const HANDS = ["pointerdown", "pointermove", "wheel", "keydown", "drop"];
const LOOK_MS = 1000;
const TELL_MS = 60000;

const elements = new WeakMap();

function ask(event) {
  event.preventDefault();
  event.returnValue = true; // for browsers before preventDefault was enough
}

/* With a login: tells the server about once a minute that a hand was there, since only that keeps the login; when none
   was for too long, ends it and shows what stands before all pages, so that nothing is left on the screen. */
function keepLogin(element, ends_ms) {
  const now = Date.now();
  if (now - element.touched >= ends_ms) {
    element.touched = now;
    window.removeEventListener("beforeunload", ask);
    fetch("/left", { method: "POST" }).finally(() => window.location.reload());
  } else if (element.touched > element.told && now - element.told >= TELL_MS) {
    element.told = now;
    fetch("/here", { method: "POST" }).then((answer) => {
      if (answer.status === 401) window.location.reload();
    });
  }
}

function look(element) {
  const { data, setTriggerValue } = element.latest;
  if (data.login_ends_ms) keepLogin(element, data.login_ends_ms);
  if (!data.idle_ms || Date.now() - element.touched < data.idle_ms) return;
  element.touched = Date.now();
  setTriggerValue("idle", true);
}

export default function (component) {
  const { parentElement, data } = component;
  let element = elements.get(parentElement);
  if (!element) {
    element = { asks: false, touched: Date.now(), told: Date.now(), touch: () => { element.touched = Date.now(); } };
    for (const name of HANDS) window.addEventListener(name, element.touch, { passive: true, capture: true });
    element.clock = setInterval(() => look(element), LOOK_MS);
    elements.set(parentElement, element);
  }
  element.latest = component;
  if (data.asks !== element.asks) {
    if (data.asks) window.addEventListener("beforeunload", ask);
    else window.removeEventListener("beforeunload", ask);
    element.asks = data.asks;
  }
  return () => {
    window.removeEventListener("beforeunload", ask);
    for (const name of HANDS) window.removeEventListener(name, element.touch, { capture: true });
    clearInterval(element.clock);
    elements.delete(parentElement);
  };
}
