import { h, replaceChildren } from "./dom";
import type { Page } from "./page";

/** Other studies of the patient; opening one leaves for its own viewer page beside this one. */
export function priorPanel({ engine, t }: Page): HTMLElement {
  const root = h("section", { class: "hvv-list" });
  engine.manifestChanged.listen((manifest) => {
    const rows = manifest.otherStudies.map((study) => {
      // The page's address differs from this one only by the study's UID.
      const href = location.pathname.replace(manifest.study.uid, study.uid);
      const link = href !== location.pathname;
      return h(
        "li",
        {},
        h("span", { class: "hv-num hvv-modality" }, study.date),
        h("span", { class: "hvv-series-name" }, h("span", {}, study.description)),
        link ? h("a", { class: "btn is-sm", href, target: "_blank", rel: "noopener" }, t("openPrior")) : null,
      );
    });
    const none = h("div", { class: "hvv-none hv-mut" }, t("noPriors"));
    replaceChildren(root, rows.length ? h("ul", { class: "hvv-series" }, ...rows) : none);
  });
  return root;
}
