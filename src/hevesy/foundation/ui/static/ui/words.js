/** The page's sentences in the user's language, written into the page by the server. */

/** @type {Record<string, string>} */
const words = JSON.parse(document.getElementById("hv-words")?.textContent ?? "{}");

/**
 * A sentence with its places filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function word(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Say something to screen readers without showing it.
 * @param {string} text
 */
export function say(text) {
  const place = document.getElementById("hv-say");
  if (place) place.textContent = text;
}

/**
 * Run `work` for each matching element now and for each that htmx brings in later.
 * @param {string} selector
 * @param {(element: HTMLElement) => void} work
 */
export function each(selector, work) {
  /** @type {WeakSet<Element>} */
  const seen = new WeakSet();
  /** @param {Document | Element} root */
  const look = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root instanceof Element && root.matches(selector)) found.unshift(root);
    for (const element of found) {
      if (seen.has(element)) continue;
      seen.add(element);
      work(/** @type {HTMLElement} */ (element));
    }
  };
  look(document);
  document.addEventListener("htmx:load", (event) => look(/** @type {CustomEvent} */ (event).detail.elt));
}

/**
 * An icon of the sprite as an element.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const sprite = document.querySelector("svg.hv-i use")?.getAttribute("href")?.split("#")[0] ?? "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "hv-i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#tabler-${name}`);
  svg.append(use);
  return svg;
}
