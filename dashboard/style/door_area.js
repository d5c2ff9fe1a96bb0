/* The area that invites to drop: a click on it, or Enter, chooses files; `door.js` takes them. */

export default function ({ parentElement, data }) {
  const area = parentElement.querySelector(".area");
  const ask = (folder) => window.dispatchEvent(new CustomEvent("ortholens-browse", { detail: { folder } }));
  for (const name of ["invitation", "offer", "kinds", "files", "folder"]) {
    parentElement.querySelector(`.${name}`).textContent = data[name];
  }
  area.classList.toggle("compact", data.compact);
  area.onclick = () => ask(false);
  parentElement.querySelector(".files").onclick = (event) => (event.stopPropagation(), ask(false));
  parentElement.querySelector(".folder").onclick = (event) => (event.stopPropagation(), ask(true));
}
