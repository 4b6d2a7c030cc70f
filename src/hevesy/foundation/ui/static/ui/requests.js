/** What htmx requests have in common: busy buttons, failures said plainly, focus kept on the same row. */
import { toast } from "./toast.js";
import { word } from "./words.js";

/** @typedef {CustomEvent<{elt: HTMLElement, target: HTMLElement, xhr: XMLHttpRequest, requestConfig: {verb: string, triggeringEvent?: Event}}>} HtmxEvent */

/**
 * The button that started a request, if it was one.
 * @param {HtmxEvent["detail"]} detail
 * @returns {HTMLElement | null}
 */
function pressed(detail) {
  const submitter = /** @type {SubmitEvent | undefined} */ (detail.requestConfig?.triggeringEvent)?.submitter;
  const from = submitter ?? detail.elt;
  return from instanceof HTMLElement ? from.closest("button.btn, a.btn") : null;
}

// htmx would keep a second press and send it when the first is answered: a patient called twice.
document.addEventListener(
  "click",
  (event) => {
    if (!(/** @type {Element} */ (event.target).closest?.("[aria-busy='true']"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
/** Forms whose submission is on its way. A form may also ask while it is filled in: that must not swallow its submission. */
/** @type {WeakSet<EventTarget>} */
const sending = new WeakSet();
document.addEventListener(
  "submit",
  (event) => {
    if (!event.target || !sending.has(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

/** @type {WeakMap<XMLHttpRequest, HTMLElement>} */
const busy = new WeakMap();

document.addEventListener("htmx:beforeRequest", (event) => {
  const { detail } = /** @type {HtmxEvent} */ (event);
  if (detail.requestConfig?.triggeringEvent?.type === "submit") sending.add(detail.elt);
  const button = pressed(detail);
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  busy.set(detail.xhr, button);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { detail } = /** @type {HtmxEvent} */ (event);
  sending.delete(detail.elt);
  const button = busy.get(detail.xhr);
  if (!button) return;
  button.removeAttribute("aria-busy");
});

document.addEventListener(
  "click",
  (event) => {
    const off = /** @type {Element} */ (event.target).closest?.(".btn.is-off, [aria-disabled='true']");
    if (!off) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const why = off.getAttribute("title");
    if (why) toast({ text: why, tone: "info" });
  },
  true,
);

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {HtmxEvent} */ (event).detail;
  // A refusal brings its own sentence in a header, which htmx has turned into a notice already.
  if (xhr.getResponseHeader("HX-Trigger")?.includes("hv:toast")) return;
  const reference = xhr.getResponseHeader("X-Reference") ?? "";
  if (xhr.status === 401) toast({ title: word("gone_title"), text: word("gone_text"), tone: "red" });
  else if (xhr.status === 403)
    toast({ title: word("forbidden_title"), text: word("server_text"), tone: "amber", reference });
  else if (xhr.status === 404) toast({ title: word("missing_title"), text: word("missing_text"), tone: "amber" });
  else if (xhr.status === 429) toast({ title: word("busy_title"), text: word("busy_text"), tone: "amber" });
  else if (xhr.status < 500)
    toast({ title: word("refused_title"), text: word("invalid_title"), tone: "amber", reference });
  else toast({ title: word("server_title"), text: word("server_text"), tone: "red", reference });
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    // A list that refreshes itself must not repeat what the banner says already.
    if (/** @type {HtmxEvent} */ (event).detail.elt.closest("[data-live]")) return;
    toast({ title: word("network_title"), text: word("network_text"), tone: "red" });
  });
}

// A logged-out user gets the login page as an answer; swapped into a table it would be nonsense.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const landed = detail.xhr.responseURL ? new URL(detail.xhr.responseURL).pathname : "";
  if (landed.startsWith("/account/login") && !location.pathname.startsWith("/account/login")) {
    detail.shouldSwap = false;
    toast({
      title: word("gone_title"),
      text: word("gone_text"),
      tone: "red",
      action: { word: "→", run: () => window.open(`/account/login/?next=${encodeURIComponent(location.pathname)}`) },
    });
  }
});

/** Where focus was before a swap: the element's id, or its row's id and its place among the row's controls. */
/** @type {{id: string, row: string, index: number, start: number | null} | null} */
let focus = null;
const CONTROLS = "a[href], button, input, select, textarea, [tabindex]";

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = /** @type {HtmxEvent} */ (event).detail.target;
  const active = document.activeElement;
  focus = null;
  if (!(active instanceof HTMLElement) || !target?.contains?.(active)) return;
  const row = active.closest("[id]:is(tr, li, article, section, .hv-todo)");
  focus = {
    id: active.id,
    row: row?.id ?? "",
    index: row ? [row, ...row.querySelectorAll(CONTROLS)].indexOf(active) : -1,
    start: active instanceof HTMLInputElement && active.type === "text" ? active.selectionStart : null,
  };
});

document.addEventListener("htmx:afterSettle", () => {
  if (!focus) return;
  const was = focus;
  focus = null;
  if (document.activeElement && document.activeElement !== document.body) return;
  const same = was.id ? document.getElementById(was.id) : null;
  const row = was.row ? document.getElementById(was.row) : null;
  const inRow = row ? [row, ...row.querySelectorAll(CONTROLS)] : [];
  const next = same ?? inRow[was.index] ?? row ?? null;
  if (!(next instanceof HTMLElement)) return;
  if (next === row && !next.hasAttribute("tabindex")) next.tabIndex = -1;
  next.focus({ preventScroll: true });
  if (was.start !== null && next instanceof HTMLInputElement) next.setSelectionRange(was.start, was.start);
});
