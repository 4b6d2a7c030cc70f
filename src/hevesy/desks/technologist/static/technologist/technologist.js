/** The injection pages: tell the server this computer's clock, keep the chosen row marked. */

// The server compares this clock with its own: times typed from a clock that is off are refused or asked about.
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters, elt } = /** @type {CustomEvent} */ (event).detail;
  if (elt.closest("form[data-clock], [data-clock] form, dialog")) parameters.client_now = String(Date.now());
});
document.addEventListener("submit", (event) => {
  const now = /** @type {HTMLFormElement} */ (event.target).querySelector("input[name=client_now]");
  if (now instanceof HTMLInputElement) now.value = String(Date.now());
});

let chosen = "";
function mark() {
  for (const row of document.querySelectorAll("#tc-rows tr[id]")) row.classList.toggle("is-on", row.id === chosen);
}
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  const row = elt.matches("[data-open-row]") ? elt.closest("tr") : null;
  if (row) {
    chosen = row.id;
    mark();
  }
});
document.addEventListener("htmx:afterSettle", mark);

document.addEventListener("change", (event) => {
  const form = /** @type {Element} */ (event.target).closest("form[data-autosubmit]");
  if (form instanceof HTMLFormElement) form.requestSubmit();
});
