import { activeSlot } from "../engine/commands";
import { Engine } from "../engine/engine";
import { failureOf } from "../engine/failure";
import type { Failure } from "../engine/loadedSeries";
import { toViewState } from "../engine/viewState";
import { FetchError } from "../loader/request";
import { workerUnpacker } from "../loader/unpacker";
import { BACKEND_CHOICES, type BackendChoice } from "../render/openBackend";
import { captionOf, capture } from "./capture";
import { h, icon, replaceChildren, setSprite } from "./dom";
import { listenToKeys } from "./keyboard";
import { notices } from "./notices";
import type { Page } from "./page";
import { side } from "./side";
import { Stage } from "./stage";
import { statusBar } from "./statusBar";
import { strip } from "./strip";
import { toolbar } from "./toolbar";
import { languageOf, translator, type Word } from "./words";

/**
 * `<hv-viewer manifest="…" lang="zh-hans">`: the whole viewer.
 *
 * Attributes: `manifest` address of the study's manifest; `lang` Chinese unless "en"; `backend` "auto", "webgl2", "webgl2-half" or "cpu";
 * `icons` address of the sprite.
 * Events: `viewer:ready`, `viewer:crosshair` with `detail.lps`, `viewer:keyimage`, `viewer:failed` with `detail.reason`.
 */
export class ViewerElement extends HTMLElement {
  /** What tests and pages talk to; made when the element enters the page. */
  engine!: Engine;
  private stage: Stage | null = null;
  private stopKeys: (() => void) | null = null;

  connectedCallback(): void {
    const language = languageOf(this.getAttribute("lang"));
    const t = translator(language);
    setSprite(
      this.getAttribute("icons") ?? new URL(/* @vite-ignore */ "../vendor/tabler-icons.svg", import.meta.url).pathname,
    );
    // The reading desk is dark whatever the page is, and without hue round the pictures.
    this.dataset.bsTheme = "dark";
    this.dataset.surface = "image";
    const engine = new Engine({
      manifestUrl: this.getAttribute("manifest") ?? "",
      fetcher: (url, init) => fetch(url, init),
      unpacker: workerUnpacker(),
      csrfToken: () => document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "",
      choice: backendChoice(this.getAttribute("backend")),
      newCanvas: () => document.createElement("canvas"),
    });
    this.engine = engine;
    const board = notices();
    const page: Page = {
      engine,
      t,
      language,
      notify: board.notify,
      keepKeyImage: () => {
        const slot = activeSlot(engine);
        const cell = this.stage?.cells.find((entry) => entry.slot.id === slot?.id);
        void this.keep(page, cell?.index ?? 0);
      },
    };
    const stage = new Stage(page);
    this.stage = stage;
    stage.element.append(board.element);
    const status = statusBar(page);
    stage.pointer.hovered.listen((at) => status.hover(at));
    const toggleSide = () => {
      this.classList.toggle("is-wide");
    };
    replaceChildren(this, strip(page), toolbar(page, toggleSide), stage.element, side(page), status.element);
    this.stopKeys = listenToKeys(page, stage.pointer, () => void this.keep(page, null));
    engine.failed.listen((failure) => this.fail(page, failure));
    engine.store.subscribe((state, before) => {
      if (state.crosshair !== before.crosshair) this.tell("viewer:crosshair", { lps: state.crosshair });
    });
    void engine.ready.then(() => this.tell("viewer:ready", {}));
    void engine.start();
  }

  disconnectedCallback(): void {
    this.stopKeys?.();
    this.stage?.dispose();
    this.engine.dispose();
    this.replaceChildren();
  }

  private tell(name: string, detail: Record<string, unknown>): void {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  /** The study itself could not be had: said in the middle, with the way on. */
  private fail({ t, engine }: Page, { reason, detail }: Failure): void {
    const word: Word = reason === "preparing" ? "server" : reason;
    const box = h("div", { class: "hvv-message" }, icon("alert-triangle"), h("b", {}, t(word)), h("small", {}, detail));
    const again = () => {
      box.remove();
      void engine.start();
    };
    box.append(h("button", { type: "button", class: "btn is-sm", onclick: again }, icon("refresh"), t("retry")));
    this.stage?.element.append(box);
    this.tell("viewer:failed", { reason });
  }

  private async keep(page: Page, cellIndex: number | null): Promise<void> {
    const { engine, t, notify } = page;
    const { stage } = this;
    if (!stage || stage.cells.length === 0) return;
    if (engine.manifest?.canCapture === false) {
      notify(t("captureForbidden"), "red");
      return;
    }
    try {
      const image = await capture(page, stage, cellIndex);
      const { state } = engine.store;
      const selected = state.measurements.find((m) => m.id === state.selected) ?? null;
      await engine.keyImages.add(image, captionOf(engine, page, stage, cellIndex), toViewState(state), selected);
      notify(t("captured"), "ok");
      this.tell("viewer:keyimage", {});
    } catch (error) {
      const { reason } = failureOf(error);
      const said = error instanceof FetchError ? error.sentence : "";
      notify(`${t("captureFailed")}${said || t(reason)}`, "red");
    }
  }
}

function backendChoice(value: string | null): BackendChoice {
  return BACKEND_CHOICES.find((choice) => choice === value) ?? "auto";
}
