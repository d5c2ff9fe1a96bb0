/* Asks before the page is left or loaded anew while files of the visitor are on the table: they would be gone. The
   browser words the question. A listener that is there keeps a page out of the browser's back-forward cache, so it is
   put up only while there is something to lose. */

const elements = new WeakMap();

function ask(event) {
  event.preventDefault();
  event.returnValue = true; // for browsers before preventDefault was enough
}

export default function (component) {
  const { parentElement, data } = component;
  let element = elements.get(parentElement);
  if (!element) {
    element = { asks: false };
    elements.set(parentElement, element);
  }
  if (data.asks !== element.asks) {
    if (data.asks) window.addEventListener("beforeunload", ask);
    else window.removeEventListener("beforeunload", ask);
    element.asks = data.asks;
  }
  return () => {
    window.removeEventListener("beforeunload", ask);
    elements.delete(parentElement);
  };
}
