import { colourMap } from "../colour/maps";
import { CT_WINDOWS, PET_UPPERS } from "../colour/windows";
import type { ToolName } from "../core/session";
import { activeSlot, resetView, run, setCtWindow, setPetUpper } from "../engine/commands";
import { LAYOUTS } from "../layouts/layouts";
import { colourMenu } from "./colourMenu";
import { h, icon, setText } from "./dom";
import type { Page } from "./page";
import { popover } from "./popover";
import type { Word } from "./words";

const TOOLS: readonly (readonly [ToolName, string, Word, string])[] = [
  ["crosshair", "viewfinder", "crosshair", "C"],
  ["window", "contrast-2", "window", ""],
  ["pan", "hand-move", "pan", ""],
  ["zoom", "zoom-in", "zoom", ""],
  ["length", "ruler-measure", "length", "L"],
  ["ellipse", "circle", "ellipse", "E"],
];

/** The second line: layouts, tools, windows, colours. Every button says its key. */
export function toolbar(page: Page, toggleSide: () => void): HTMLElement {
  const { engine, t, language } = page;
  const { store } = engine;
  const updates: (() => void)[] = [];

  const button = (label: string, title: string, act: () => void, content: readonly (Node | string | null)[]) =>
    h("button", { type: "button", class: "hvv-t", title, "aria-label": label, onclick: act }, ...content);
  const pressed = (element: HTMLElement, is: () => boolean, enabled: () => boolean = () => true) => {
    updates.push(() => {
      element.setAttribute("aria-pressed", String(is()));
      (element as HTMLButtonElement).disabled = !enabled();
    });
    return element;
  };
  const group = (label: Word | null, ...children: Node[]) =>
    h(
      "div",
      { class: "hvv-g", role: "group", "aria-label": label && t(label) },
      label && h("label", {}, t(label)),
      ...children,
    );

  const layouts = LAYOUTS.map((layout) => {
    const name = language === "zh" ? layout.nameZh : layout.nameEn;
    const element = button(name, name, () => store.set({ layout: layout.id, maximised: null }), [
      icon(layout.icon),
      h("span", { class: "hvv-word" }, name),
    ]);
    return pressed(element, () => store.state.layout === layout.id && store.state.maximised === null);
  });

  const tools = TOOLS.map(([tool, iconName, word, key]) => {
    const element = button(t(word), key ? `${t(word)} ${key}` : t(word), () => store.set({ tool }), [icon(iconName)]);
    return pressed(element, () => store.state.tool === tool);
  });

  const isSuv = () => engine.pair.overlay?.scale?.isSuv === true;
  const uppers = PET_UPPERS.map((upper, n) => {
    const element = button(`${t("petUpper")} ${upper}`, `SUV 0–${upper}  ${n + 1}`, () => setPetUpper(engine, upper), [
      String(upper),
      h("small", {}, String(n + 1)),
    ]);
    const is = () => isSuv() && engine.window(engine.pair.overlay!.entry.uid)[1] === upper;
    return pressed(element, is, isSuv);
  });

  const isCt = () => engine.pair.base?.scale?.units === "HU";
  const windows = CT_WINDOWS.map((preset, n) => {
    const [low, high] = preset.window;
    const name = language === "zh" ? preset.nameZh : preset.nameEn;
    const title = `${name} W ${high - low} L ${(high + low) / 2}  ⇧${n + 1}`;
    const element = button(name, title, () => setCtWindow(engine, n), [name, h("small", {}, `⇧${n + 1}`)]);
    const is = () => {
      if (!isCt()) return false;
      const [a, b] = engine.window(engine.pair.base!.entry.uid);
      return a === low && b === high;
    };
    return pressed(element, is, isCt);
  });

  const colourName = h("span", { class: "hvv-word" });
  const colours = button(t("colours"), t("colours"), () => {}, [icon("palette"), colourName, icon("chevron-down")]);
  popover(colours, () => colourMenu(page));
  updates.push(() => {
    const map = colourMap(store.state.maps.fused);
    setText(colourName, language === "zh" ? map.nameZh : map.nameEn);
  });
  const invert = pressed(
    button(t("invert"), `${t("invert")} I`, () => run(engine, { name: "invert" }), [icon("contrast")]),
    () => {
      const content = activeSlot(engine)?.content ?? "overlay";
      return store.state.inverted[content === "mip" ? "overlay" : content];
    },
  );

  const keep = h(
    "button",
    { type: "button", class: "btn is-primary", title: `${t("keyImage")} K`, onclick: () => page.keepKeyImage() },
    icon("camera"),
    h("span", {}, t("keyImage")),
    h("span", { class: "hv-kbd" }, "K"),
  );
  updates.push(() => {
    const allowed = engine.manifest?.canCapture !== false;
    keep.disabled = !allowed;
    keep.title = allowed ? `${t("keyImage")} K` : t("captureForbidden");
  });

  const root = h(
    "div",
    { class: "hvv-bar", role: "toolbar", "aria-label": t("tools") },
    group("layout", ...layouts),
    group(null, ...tools),
    group("petUpper", ...uppers),
    group("ctWindow", ...windows),
    group(null, colours, invert),
    h("span", { class: "hv-spacer" }),
    button(t("reset"), `${t("reset")} R`, () => resetView(engine), [
      icon("history"),
      h("span", { class: "hvv-word" }, t("reset")),
    ]),
    keep,
    button(t("sidePanel"), t("sidePanel"), toggleSide, [icon("layout-sidebar-right")]),
  );
  const update = () => {
    for (const refresh of updates) refresh();
  };
  store.subscribe(update);
  engine.library.changed.listen(update);
  engine.manifestChanged.listen(update);
  update();
  return root;
}
