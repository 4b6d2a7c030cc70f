import type { Grid } from "../layouts/layouts";
import { Cell } from "./cell";
import { h, replaceChildren } from "./dom";
import type { Page } from "./page";
import { PointerInput } from "./pointerInput";

const MAX_RATIO = 2;

/** The pictures: one canvas, with a grid of cells over it that carries texts and takes the pointer. */
export class Stage {
  readonly element: HTMLElement;
  cells: readonly Cell[] = [];
  pixelRatio = 1;
  private readonly grid = h("div", { class: "hvv-grid" });
  private readonly empty = h("div", { class: "hv-blank hvv-blank", hidden: true });
  private canvas: HTMLCanvasElement | null = null;
  private shownGrid = "";
  private readonly observer = new ResizeObserver(() => this.measure());
  readonly pointer: PointerInput;

  constructor(private readonly page: Page) {
    const { engine } = page;
    this.element = h(
      "div",
      { class: "hvv-stage", role: "group", "aria-label": page.t("viewer") },
      this.grid,
      this.empty,
    );
    this.pointer = new PointerInput(page, this);
    this.grid.addEventListener("contextmenu", (event) => event.preventDefault());
    engine.store.subscribe((state, before) => {
      const other = (["layout", "maximised", "base", "overlay"] as const).some((key) => state[key] !== before[key]);
      if (other) this.layOut();
      this.grid.dataset.tool = state.tool;
    });
    engine.manifestChanged.listen(() => this.layOut());
    engine.library.changed.listen(() => {
      this.layOut();
      this.updateAll();
    });
    engine.measurements.changed.listen(() => this.updateAll());
    engine.framed.listen(() => this.updateAll());
    engine.backendChanged.listen(() => this.takeCanvas());
    this.observer.observe(this.grid);
    this.grid.dataset.tool = engine.store.state.tool;
    this.takeCanvas();
  }

  private takeCanvas(): void {
    const { canvas } = this.page.engine.backend;
    if (canvas === this.canvas) return;
    this.canvas?.remove();
    canvas.className = "hvv-canvas";
    this.element.prepend(canvas);
    this.canvas = canvas;
    this.measure();
  }

  /** Makes the cells of the present layout; the same layout is left alone. */
  private layOut(): void {
    const { engine, t } = this.page;
    const grid = engine.grid();
    const key = JSON.stringify(grid);
    if (key === this.shownGrid) return;
    this.shownGrid = key;
    this.empty.hidden = grid.slots.length > 0 || engine.manifest === null;
    replaceChildren(this.empty, h("h2", {}, t("noSeries")), h("p", {}, t("noSeriesWhat")));
    this.grid.style.gridTemplateColumns = fractions(grid.columns);
    this.grid.style.gridTemplateRows = fractions(grid.rows);
    this.cells = grid.slots.map((slot, index) => new Cell(this.page, slot, index));
    this.grid.replaceChildren(...this.cells.map((cell) => cell.element));
    this.chooseActive(grid);
    this.measure();
  }

  private chooseActive(grid: Grid): void {
    const { store } = this.page.engine;
    if (grid.slots.some((slot) => slot.id === store.state.active)) return;
    const first = grid.slots.find((slot) => slot.content === "fused") ?? grid.slots[0];
    if (first) store.set({ active: first.id });
  }

  /** Tells the engine where the cells are, in whole device pixels. */
  private measure(): void {
    const frame = this.grid.getBoundingClientRect();
    const area = Math.max(1, frame.width * frame.height);
    // Where the processor draws, pixels are dear: a large screen is drawn coarser and enlarged by the browser.
    const affordable = Math.sqrt(this.page.engine.backend.pixelBudget / area);
    const ratio = Math.min(MAX_RATIO, window.devicePixelRatio || 1, Math.max(0.5, affordable));
    this.pixelRatio = ratio;
    const boxes = this.cells.map(({ element, slot }) => {
      const box = element.getBoundingClientRect();
      const x = Math.round((box.left - frame.left) * ratio);
      const y = Math.round((box.top - frame.top) * ratio);
      const width = Math.max(1, Math.round((box.right - frame.left) * ratio) - x);
      const height = Math.max(1, Math.round((box.bottom - frame.top) * ratio) - y);
      return { slot, rect: { x, y, width, height } };
    });
    this.page.engine.setCells(boxes, Math.round(frame.width * ratio), Math.round(frame.height * ratio), ratio);
  }

  private updateAll(): void {
    for (const cell of this.cells) cell.update(this.pixelRatio);
  }

  dispose(): void {
    this.observer.disconnect();
    this.pointer.dispose();
  }
}

function fractions(sizes: readonly number[]): string {
  return sizes.map((size) => `minmax(0, ${size}fr)`).join(" ");
}
