/** Lists: ↑ ↓ Enter move through the rows; rows of a list in use are not moved under the pointer. */
import { each, say, word } from "./words.js";

each("table[data-row-keys] tbody", (body) => {
  const rows = () => /** @type {HTMLElement[]} */ ([...body.querySelectorAll(":scope > tr")]);
  const prepare = () => {
    const all = rows();
    if (!all.some((row) => row.tabIndex === 0)) for (const [index, row] of all.entries()) row.tabIndex = index ? -1 : 0;
  };
  prepare();
  new MutationObserver(prepare).observe(body, { childList: true });
  body.addEventListener("keydown", (event) => {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("tr"));
    if (!row) return;
    const inControl = event.target !== row && !(event.key === "ArrowUp" || event.key === "ArrowDown");
    if (inControl || /** @type {Element} */ (event.target).closest("input, select, textarea")) return;
    const all = rows();
    const at = all.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined && all[to]) {
      event.preventDefault();
      for (const other of all) other.tabIndex = -1;
      all[to].tabIndex = 0;
      all[to].focus();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      openRow(row);
    }
  });
});

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const row = /** @type {HTMLElement | null} */ (target.closest?.("tr[data-href]"));
  if (!row || target.closest("a, button, input, select, label, textarea, summary")) return;
  if (String(getSelection() ?? "").length) return;
  openRow(row);
});

/** @param {HTMLElement} row */
function openRow(row) {
  const primary = /** @type {HTMLElement | null} */ (row.querySelector("[data-open-row]"));
  if (primary) primary.click();
  else if (row.dataset.href) location.assign(row.dataset.href);
  else row.click();
}

/** Whether somebody is just about to press something in `list`. */
/** @param {HTMLElement} list */
function inUse(list) {
  return list.matches(":hover") || list.contains(document.activeElement);
}

/** @param {HTMLElement} list */
function order(list) {
  return [...list.querySelectorAll("tbody > tr[id], :scope > [id]")].map((row) => row.id);
}

/**
 * @param {string[]} before
 * @param {string[]} after
 * @returns {number} how many rows came, went or moved against the others
 */
export function moves(before, after) {
  const stayed = before.filter((id) => after.includes(id));
  const came = after.filter((id) => !before.includes(id)).length;
  const went = before.length - stayed.length;
  const now = after.filter((id) => before.includes(id));
  const moved = stayed.filter((id, index) => now[index] !== id).length;
  // Rows that come at the end push nothing away.
  const tail = after.slice(0, stayed.length).every((id, index) => id === before[index]) && went === 0;
  return tail ? 0 : came + went + Math.ceil(moved / 2);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const list = /** @type {HTMLElement | null} */ (detail.target?.closest?.("[data-live-keep]"));
  if (!list || !detail.shouldSwap || list.dataset.taken || !inUse(list)) {
    if (list) {
      delete list.dataset.taken;
      list.querySelector(":scope > .hv-updates")?.remove();
    }
    return;
  }
  // Only a refresh that the list started itself may be held back, never the answer to a press.
  if (!detail.requestConfig?.triggeringEvent?.type?.startsWith("hv:live")) return;
  const fresh = new DOMParser().parseFromString(`<table><tbody>${detail.serverResponse}</tbody></table>`, "text/html");
  const plain = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const rows = [...fresh.querySelectorAll("tr[id]")].map((row) => row.id);
  const after = rows.length ? rows : [...plain.body.children].map((row) => row.id).filter(Boolean);
  const number = moves(order(list), after);
  if (!number) return;
  detail.shouldSwap = false;
  offer(list, number);
});

/** @param {HTMLElement} list @param {number} number */
function offer(list, number) {
  list.querySelector(":scope > .hv-updates")?.remove();
  const bar = document.createElement("div");
  bar.className = "hv-updates";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn is-sm";
  button.textContent = `${word("updates", { number })} · ${word("show_updates")}`;
  const show = () => {
    bar.remove();
    list.dataset.taken = "yes";
    list.dispatchEvent(new CustomEvent("hv:live"));
  };
  button.addEventListener("click", show);
  list.addEventListener("pointerleave", () => setTimeout(() => bar.isConnected && !inUse(list) && show(), 400), {
    once: true,
  });
  bar.append(button);
  list.append(bar);
  say(word("updates", { number }));
}
