/** Keys: `data-key` on a button or link binds it. F keys work anywhere, letters only outside text fields. */

/** Browsers own these. */
const FORBIDDEN = new Set(["F1", "F3", "F5", "F10", "F11", "F12"]);

/** Every scan begins with N: that letter waits until it is clear that no scanner goes on typing. */
const SCAN_LETTER = "N";
const WAIT_MS = 60;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/** @param {Element | null} element */
export function isTextField(element) {
  return (
    element instanceof HTMLElement &&
    (element.isContentEditable ||
      element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"))
  );
}

/** @param {HTMLElement} element */
function reachable(element) {
  const modal = [...document.querySelectorAll("dialog[open]")].filter((dialog) => dialog.matches(":modal")).at(-1);
  if (modal && !modal.contains(element)) return false;
  return element.checkVisibility ? element.checkVisibility() : element.offsetParent !== null;
}

document.addEventListener("keydown", () => clearTimeout(waiting), true);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key;
  const letter = key.length === 1;
  if (letter && (isTextField(document.activeElement) || document.body.dataset.letterKeys === "off")) return;
  if (key === "/" && letter && !document.querySelector("dialog[open]:modal")) {
    const find = document.getElementById("hv-find");
    if (find) {
      event.preventDefault();
      find.focus();
    }
    return;
  }
  if (FORBIDDEN.has(key) || (!letter && !/^F\d+$/.test(key))) return;
  const wanted = letter ? key.toUpperCase() : key;
  const bound = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-key]")]).filter(
    (element) => element.dataset.key?.toUpperCase() === wanted && reachable(element),
  );
  // The last one lies on top: a dialog's F9 comes before the page's.
  const element = bound.at(-1);
  if (!element || (event.repeat && !element.hasAttribute("data-key-repeat"))) return;
  event.preventDefault();
  const act = () => (element.matches("input, select, textarea") ? element.focus() : element.click());
  if (wanted === SCAN_LETTER) waiting = setTimeout(act, WAIT_MS);
  else act();
});
