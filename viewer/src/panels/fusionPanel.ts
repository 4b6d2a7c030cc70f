import { formatLimit } from "../core/format";
import { setAlpha } from "../engine/commands";
import { h, setText } from "./dom";
import type { Page } from "./page";

interface Slider {
  readonly element: HTMLElement;
  update(): void;
}

interface SliderSpec {
  readonly label: string;
  readonly min: number;
  readonly max: () => number;
  readonly step: () => number;
  readonly value: () => number;
  readonly text: (value: number) => string;
  readonly enabled: () => boolean;
  readonly change: (value: number) => void;
}

/** Mix, upper level, threshold, slab thickness. */
export function fusionPanel(page: Page): HTMLElement {
  const { engine, t } = page;
  const { store } = engine;
  const overlay = () => engine.pair.overlay;
  const units = () => (overlay()?.scale?.isSuv ? "SUV" : (overlay()?.scale?.units ?? ""));
  const window = () => {
    const series = overlay();
    return series ? engine.window(series.entry.uid) : ([0, 7] as const);
  };
  // The scale stays while the thumb is dragged: SUV to 20, otherwise to twice the default window.
  const top = () => {
    const series = overlay();
    if (!series?.header || series.scale?.isSuv) return 20;
    return series.header.defaultWindow[1] * 2;
  };
  const has = () => overlay()?.header != null;
  const fused = () => has() && engine.pair.base !== null;
  const sliders = [
    slider({
      label: t("mix"),
      min: 0,
      max: () => 100,
      step: () => 5,
      value: () => store.state.alpha * 100,
      text: (value) => `${Math.round(value)}%`,
      enabled: fused,
      change: (value) => setAlpha(engine, value / 100),
    }),
    slider({
      label: t("petUpper"),
      min: 0,
      max: top,
      step: () => top() / 200,
      value: () => window()[1],
      text: (value) => `${units()} ${formatLimit(value)}`,
      enabled: has,
      change: (value) => {
        const series = overlay();
        if (series) engine.setWindow(series.entry.uid, [window()[0], Math.max(window()[0] + top() / 200, value)]);
      },
    }),
    slider({
      label: t("threshold"),
      min: 0,
      max: () => top() / 4,
      step: () => top() / 200,
      value: () => store.state.threshold,
      text: (value) => `${units()} ${formatLimit(value)}`,
      enabled: fused,
      change: (threshold) => store.set({ threshold }),
    }),
    slider({
      label: t("slab"),
      min: 0,
      max: () => 60,
      step: () => 1,
      value: () => store.state.slabMm,
      text: (value) => (value === 0 ? "–" : `${Math.round(value)} mm`),
      enabled: () => engine.pair.base !== null || has(),
      change: (slabMm) => store.set({ slabMm }),
    }),
  ];
  const mode = h("div", { class: "hv-seg hvv-slab" });
  const modes = (["max", "mean"] as const).map((slabMode) => {
    const choose = () => store.set({ slabMode });
    const word = t(slabMode === "max" ? "slabMax" : "slabMean");
    const button = h("button", { type: "button", onclick: choose }, word);
    mode.append(button);
    return { slabMode, button };
  });
  const update = () => {
    for (const one of sliders) one.update();
    for (const one of modes) one.button.setAttribute("aria-pressed", String(store.state.slabMode === one.slabMode));
    mode.hidden = store.state.slabMm === 0;
  };
  store.subscribe(update);
  engine.library.changed.listen(update);
  update();
  const head = h("h2", {}, t("fusion"), h("span", { class: "hv-spacer" }), mode);
  return h("section", { class: "hvv-fusion" }, head, ...sliders.map((one) => one.element));
}

function slider(spec: SliderSpec): Slider {
  const input = h("input", { type: "range", min: spec.min, "aria-label": spec.label });
  const text = h("output", { class: "hv-num" });
  input.addEventListener("input", () => spec.change(Number(input.value)));
  // Arrow keys belong to the slider only while it is used; after that they turn slices again.
  input.addEventListener("change", () => input.blur());
  const element = h("label", { class: "hvv-slider" }, h("span", { class: "hv-mut" }, spec.label), input, text);
  return {
    element,
    update() {
      const value = spec.value();
      input.max = String(spec.max());
      input.step = String(spec.step());
      input.disabled = !spec.enabled();
      if (Number(input.value) !== value) input.value = String(value);
      const share = Math.min(1, Math.max(0, (value - spec.min) / (spec.max() - spec.min)));
      input.style.setProperty("--hvv-share", `${share * 100}%`);
      const words = spec.enabled() ? spec.text(value) : "–";
      setText(text, words);
      input.setAttribute("aria-valuetext", words);
    },
  };
}
