import { colourTable } from "../colour/maps";
import type { LoadedSeries } from "../engine/loadedSeries";
import { shareFrame } from "../engine/views";
import type { Slot } from "../layouts/layouts";
import { AnnotationLayer } from "./annotationLayer";
import { shapesIn } from "./annotations";
import { type ColourBar, cellTexts, roleName } from "./cellTexts";
import { h, icon, replaceChildren, setText } from "./dom";
import { failureWords } from "./failureWords";
import { mipControls } from "./mipControls";
import type { Page } from "./page";

/** Everything over one picture: texts, colour bar, measurements, and what is to be said when there is no picture. */
export class Cell {
  readonly element: HTMLElement;
  private readonly title = h("div");
  private readonly description = h("div", { class: "hvv-desc" });
  private readonly position = h("div", { class: "hvv-o hvv-tr hv-num" });
  private readonly bottom = h("div", { class: "hvv-o hvv-bl hv-num" });
  private readonly left = h("div", { class: "hvv-o hvv-left" });
  private readonly top = h("div", { class: "hvv-o hvv-top" });
  private readonly bar = h("div", { class: "hvv-cb" });
  private readonly ramp = h("canvas", { width: 1, height: 256 });
  private readonly limits = [h("span"), h("span"), h("span")] as const;
  private readonly message = h("div", { class: "hvv-message", hidden: true });
  private readonly marks = new AnnotationLayer();
  private readonly cine: ReturnType<typeof mipControls> | null;
  private rampShown = "";
  private messageShown = "";

  constructor(
    private readonly page: Page,
    readonly slot: Slot,
    readonly index: number,
  ) {
    this.cine = slot.content === "mip" ? mipControls(page) : null;
    this.bar.append(this.ramp, ...this.limits);
    this.element = h(
      "div",
      { class: "hvv-cell", tabindex: -1, role: "group", "data-slot": slot.id, "data-index": index },
      this.marks.element,
      h("div", { class: "hvv-o hvv-tl" }, this.title, this.description),
      this.position,
      this.bottom,
      this.left,
      this.top,
      this.bar,
      this.cine?.element,
      this.message,
    );
    const [row, column, rowEnd, columnEnd] = slot.area;
    this.element.style.gridArea = `${row} / ${column} / ${rowEnd} / ${columnEnd}`;
  }

  update(pixelRatio: number): void {
    const { engine, t, language } = this.page;
    const texts = cellTexts(engine, this.slot, t, language);
    setText(this.title, texts.title);
    setText(this.description, texts.description);
    setText(this.position, texts.position);
    setText(this.bottom, texts.bottom);
    setText(this.left, texts.left);
    setText(this.top, texts.top);
    this.element.classList.toggle("is-light", texts.light);
    this.element.classList.toggle("is-on", engine.store.state.active === this.slot.id);
    this.element.setAttribute("aria-label", `${t("cell")} ${texts.title} ${texts.position}`);
    this.updateBar(texts.bar);
    this.marks.show(shapesIn(engine, this.slot, pixelRatio), pixelRatio);
    this.updateMessage();
    this.cine?.update();
  }

  private updateBar(bar: ColourBar | null): void {
    this.bar.hidden = bar === null;
    if (!bar) return;
    setText(this.limits[0], bar.high);
    setText(this.limits[1], bar.middle);
    setText(this.limits[2], bar.low);
    const key = `${bar.map}${bar.inverted}`;
    if (key === this.rampShown) return;
    this.rampShown = key;
    const context = this.ramp.getContext("2d");
    const table = colourTable(bar.map, bar.inverted);
    const image = new ImageData(1, 256);
    for (let row = 0; row < 256; row++) {
      const from = (255 - row) * 3;
      image.data.set([table[from]!, table[from + 1]!, table[from + 2]!, 255], row * 4);
    }
    context?.putImageData(image, 0, 0);
  }

  private updateMessage(): void {
    const { engine } = this.page;
    const { base, overlay } = engine.pair;
    const { content } = this.slot;
    const wanted = content === "base" ? [base] : content === "fused" ? [overlay, base] : [overlay];
    const series = wanted.filter((entry): entry is LoadedSeries => entry !== null);
    const missing = series.find((entry) => !entry.grid && !(content === "mip" && entry.mip));
    const failed = series.find((entry) => entry.status === "failed");
    const refused = content === "fused" && !shareFrame(engine.pair);
    const lacking = failed ?? missing;
    const progress = lacking ? Math.round(lacking.progress * 100) : 0;
    const key = refused ? "frame" : lacking ? `${lacking.entry.uid} ${lacking.status} ${progress}` : "";
    if (key === this.messageShown) return;
    this.messageShown = key;
    this.message.hidden = key === "";
    if (refused) replaceChildren(this.message, ...this.refusal());
    else if (lacking) replaceChildren(this.message, ...this.status(lacking, progress));
    else this.message.replaceChildren();
  }

  private refusal(): Node[] {
    const { t } = this.page;
    return [icon("layers-intersect"), h("b", {}, t("frameDiffers")), h("span", {}, t("frameDiffersWhat"))];
  }

  private status(series: LoadedSeries, progress: number): (Node | null)[] {
    const { t, engine } = this.page;
    const name = roleName(series);
    if (series.status === "failed" && series.failure) {
      const { reason } = series.failure;
      const { words, detail } = failureWords(this.page, series.entry, series.failure);
      const retry = h(
        "button",
        { type: "button", class: "btn is-sm", onclick: () => void engine.retry(series.entry.uid) },
        icon("refresh"),
        t("retry"),
      );
      const can = reason !== "preparing" && reason !== "forbidden";
      return [icon("alert-triangle"), h("b", {}, name), h("span", { title: detail }, words), can ? retry : null];
    }
    const text =
      series.entry.volume === null
        ? t("noVolume")
        : series.status === "preparing"
          ? t("preparingVolume")
          : series.status === "waiting"
            ? t("waitingVolume")
            : t("loading");
    const meter = h("progress", { max: 100, value: progress, "aria-label": text });
    return [h("span", {}, `${name} ${text} ${progress}%`), series.entry.volume ? meter : null];
  }
}
