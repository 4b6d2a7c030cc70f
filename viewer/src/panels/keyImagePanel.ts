import type { KeyImage } from "../engine/keyImages";
import { h, icon, replaceChildren } from "./dom";
import type { Page } from "./page";

/** The pictures kept for the report; a press brings their view back. */
export function keyImagePanel(page: Page): HTMLElement {
  const { engine, t } = page;
  const count = h("b", { class: "hv-n" }, "0");
  const tray = h("div", { class: "hvv-tray" });
  const draw = () => {
    const { list } = engine.keyImages;
    count.textContent = String(list.length);
    const none = h("p", { class: "hv-mut hv-xs" }, t("noKeyImages"));
    replaceChildren(tray, ...(list.length ? list.map((image, n) => figure(page, image, n + 1)) : [none]));
  };
  engine.keyImages.changed.listen(draw);
  draw();
  return h("section", {}, h("h2", {}, t("keyImages"), count), tray);
}

function figure(page: Page, image: KeyImage, number: number): HTMLElement {
  const { engine, t, notify } = page;
  const recall = () => {
    if (image.viewState) engine.recall(image.viewState);
  };
  const remove = () => {
    const failed = () => notify(t("removeFailed"), "red");
    engine.keyImages
      .remove(image)
      .then((restore) => notify(t("removed"), "info", { word: t("undo"), act: () => void restore().catch(failed) }))
      .catch(failed);
  };
  const label = `${number} ${image.caption}`.trim();
  const picture = image.thumbnailUrl
    ? h("img", { src: image.thumbnailUrl, alt: label, loading: "lazy" })
    : h("span", { class: "hvv-nothumb" }, icon("photo"));
  return h(
    "figure",
    {},
    h("button", { type: "button", class: "hvv-thumb", title: label, "aria-label": label, onclick: recall }, picture),
    h(
      "figcaption",
      {},
      h("span", {}, label),
      engine.manifest?.canCapture
        ? h(
            "button",
            {
              type: "button",
              class: "hvv-t is-small",
              title: t("remove"),
              "aria-label": `${t("remove")} ${label}`,
              onclick: remove,
            },
            icon("x"),
          )
        : null,
    ),
  );
}
