/** Tabs: ← → Home End move, a press selects. */
import { each } from "./words.js";

each("[data-tabs]", (list) => {
  const tabs = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
  /** @param {HTMLElement} tab */
  const select = (tab) => {
    for (const other of tabs()) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(other.getAttribute("aria-controls") ?? "");
      if (
        panel?.matches("[role=tabpanel]") &&
        tabs().filter((t) => t.getAttribute("aria-controls") === panel.id).length === 1
      )
        panel.hidden = !on;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[role=tab]"));
    if (tab) select(tab);
  });
  list.addEventListener("keydown", (event) => {
    const all = tabs();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = all[(to + all.length) % all.length];
    tab.focus();
    tab.click();
  });
});

// Choices that only mark themselves: a group of aria-pressed buttons that talks to the server through htmx.
document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest?.(".hv-seg > button[aria-pressed]");
  if (!button) return;
  for (const other of button.parentElement?.children ?? []) {
    if (other.hasAttribute("aria-pressed")) other.setAttribute("aria-pressed", String(other === button));
  }
});
