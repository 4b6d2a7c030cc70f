/** Light or dark, side bar open or folded. Kept per workstation in a cookie, so that the server draws it right at once. */

const YEAR_S = 31_536_000;

/** @param {string} name @param {string} value */
function keep(name, value) {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in browsers that hospitals still use
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("[data-theme-switch]")) {
    const root = document.documentElement.dataset;
    root.bsTheme = root.bsTheme === "dark" ? "light" : "dark";
    keep("hv_theme", root.bsTheme);
    document.dispatchEvent(new CustomEvent("hv:theme", { detail: root.bsTheme }));
  }
  const fold = target.closest("[data-fold]");
  if (fold) {
    const folded = document.getElementById("hv-shell")?.classList.toggle("is-folded") ?? false;
    fold.setAttribute("aria-expanded", String(!folded));
    keep("hv_side", folded ? "folded" : "open");
  }
  if (target.closest("[data-back]")) {
    if (history.length > 1) history.back();
    else location.assign("/");
  }
  const menu = document.querySelector("details.hv-who[open]");
  if (menu && !menu.contains(target)) menu.removeAttribute("open");
});
