/* Sets the scale of the stage: type is at least 1.25 times that of a desk, and grows with the screen, so that every
   screen shows what one of 1024 × 576 would, larger. The style sheet multiplies type by it. */

const DESK = [1024, 576], LEAST = 1.25;
const elements = new WeakSet();
let users = 0;

function fit() {
  const scale = Math.max(LEAST, Math.min(innerWidth / DESK[0], innerHeight / DESK[1]));
  document.documentElement.style.setProperty("--stage", scale.toFixed(4));
}

export default function ({ parentElement }) {
  if (!elements.has(parentElement)) {
    elements.add(parentElement);
    if (users++ === 0) addEventListener("resize", fit);
    fit();
  }
  return () => {
    elements.delete(parentElement);
    if (--users > 0) return;
    removeEventListener("resize", fit);
    document.documentElement.style.removeProperty("--stage");
  };
}
