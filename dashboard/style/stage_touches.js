/* Tells that somebody is there: a pointer that goes down or moves by more than a shaken table, a wheel, a key. It is
   told in a pause: Streamlit sends what happens together in one message, which draws the part of one sender only, and
   a button pressed at that moment would do nothing. */

const FAR_PX = 24, PAUSE_MS = 300;
const EVENTS = ["pointerdown", "pointermove", "wheel", "keydown"];

const elements = new WeakMap();

function onTouch(event, element) {
  if (event.defaultPrevented && event.type === "keydown") return; // a key of the stage, which tells by itself
  if (event.type === "pointermove") {
    const { x, y } = element.at ?? event;
    element.at ??= { x: event.x, y: event.y };
    if (Math.hypot(event.x - x, event.y - y) < FAR_PX) return;
  }
  element.at = null;
  if (performance.now() - element.told < element.latest.data.every_ms) return;
  clearTimeout(element.pause);
  element.pause = setTimeout(() => {
    element.told = performance.now();
    element.latest.setTriggerValue("touch", true);
  }, PAUSE_MS);
}

export default function (component) {
  const { parentElement } = component;
  let element = elements.get(parentElement);
  if (!element) {
    element = { told: -Infinity, listener: (event) => onTouch(event, element) };
    elements.set(parentElement, element);
    for (const name of EVENTS) window.addEventListener(name, element.listener, { passive: true });
  }
  element.latest = component;
  return () => {
    clearTimeout(element.pause);
    for (const name of EVENTS) window.removeEventListener(name, element.listener);
    elements.delete(parentElement);
  };
}
