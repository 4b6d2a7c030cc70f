import { boxCentre } from "../core/box";
import type { Manifest } from "../core/manifest";
import type { Measurement } from "../core/measurement";
import { layerMm, PLANES, stepSlices } from "../core/planes";
import { initialSession, type Session } from "../core/session";
import { Signal } from "../core/signal";
import type { SliceView } from "../core/sliceView";
import { Store } from "../core/store";
import type { Vec3 } from "../core/vec3";
import { buildGrid, type Grid, type Slot } from "../layouts/layouts";
import { fetchManifest, followManifest } from "../loader/manifestSource";
import type { Fetch } from "../loader/request";
import type { Unpacker } from "../loader/unpacker";
import type { Backend, Pixels, RawPicture } from "../render/backend";
import { type BackendChoice, openBackend } from "../render/openBackend";
import type { Rect, Scene } from "../render/scene";
import type { ToolTarget } from "../tools/target";
import { failureOf } from "./failure";
import { KeyImages } from "./keyImages";
import { insideVolumes, moveCross, onSlice } from "./linkedCross";
import type { Failure, LoadedSeries } from "./loadedSeries";
import { Measurements } from "./measurements";
import { pickHottest } from "./mipPick";
import { MipSpinner } from "./mipSpinner";
import { type Probe, probe } from "./probe";
import { buildScene, type CellBox, windowOf } from "./sceneBuilder";
import { ServerPost } from "./serverPost";
import { fromViewState } from "./viewState";
import { isApart, type Pair, sharedBox, sideOf, viewOf } from "./views";
import { VolumeLibrary } from "./volumeLibrary";

export interface EngineOptions {
  readonly manifestUrl: string;
  readonly fetcher: Fetch;
  readonly unpacker: Unpacker;
  readonly csrfToken: () => string;
  readonly choice: BackendChoice;
  readonly newCanvas: () => HTMLCanvasElement;
}

export interface CellInfo {
  readonly index: number;
  readonly id: string;
  readonly content: Slot["content"];
  readonly orientation: Slot["orientation"];
  readonly view: SliceView;
}

/** Draws one study: state in, pictures out. Pages and tests talk to this; it knows no elements but its canvas. */
export class Engine implements ToolTarget {
  readonly store = new Store<Session>(initialSession());
  readonly library: VolumeLibrary;
  readonly measurements: Measurements;
  readonly keyImages: KeyImages;
  /** Fulfilled when the opening series are there in full resolution, or have failed. */
  readonly ready: Promise<void>;
  readonly manifestChanged = new Signal<Manifest>();
  /** The manifest itself could not be had. */
  readonly failed = new Signal<Failure>();
  readonly backendChanged = new Signal();
  /** Numbers of the cells that were drawn. */
  readonly framed = new Signal<readonly number[]>();
  manifest: Manifest | null = null;
  backend: Backend;
  /** Why the processor draws although graphics were asked for. */
  fallback: string | null;

  private readonly abort = new AbortController();
  private readonly spinner: MipSpinner;
  private cells: readonly CellBox[] = [];
  private pixelRatio = 1;
  private fingerprints: string[] = [];
  private frame = 0;
  private placed = false;
  private isReady!: () => void;

  constructor(private readonly options: EngineOptions) {
    this.ready = new Promise((resolve) => {
      this.isReady = resolve;
    });
    const { backend, fallback } = openBackend(options.choice, options.newCanvas);
    this.backend = backend;
    this.fallback = fallback;
    this.listenTo(backend);
    const { signal } = this.abort;
    const post = new ServerPost(options.fetcher, options.csrfToken, signal);
    this.library = new VolumeLibrary(options.fetcher, options.unpacker, signal, backend);
    this.measurements = new Measurements(this.store, this.library, post, () => this.manifest?.measureUrl ?? "");
    this.keyImages = new KeyImages(options.fetcher, post, signal, () => this.manifest?.keyImagesUrl ?? "");
    this.spinner = new MipSpinner(this.store, () => this.pair.overlay?.mip?.header.degreesPerFrame ?? 6);
    this.store.subscribe(() => this.requestFrame());
    this.library.changed.listen(() => this.onLoaded());
  }

  async start(): Promise<void> {
    const { signal } = this.abort;
    const { fetcher, manifestUrl } = this.options;
    try {
      const manifest = await fetchManifest(fetcher, manifestUrl, signal);
      this.accept(manifest);
      const { base, overlay } = manifest.suggested;
      this.store.set({ base, overlay });
      this.keyImages.refresh().catch(() => {});
      void this.openWanted();
      await followManifest(fetcher, manifestUrl, signal, manifest, (changed) => {
        this.accept(changed);
        void this.openWanted();
      });
    } catch (error) {
      if (!signal.aborted) this.failed.send(failureOf(error));
    }
  }

  private accept(manifest: Manifest): void {
    this.manifest = manifest;
    this.library.update(manifest.series);
    this.manifestChanged.send(manifest);
  }

  /** Loads the series that are to be shown, as far as they are prepared. */
  private async openWanted(): Promise<void> {
    const { base, overlay } = this.store.state;
    const wanted = [overlay, base].filter((uid): uid is string => uid !== null);
    try {
      await this.library.open(wanted);
    } catch (error) {
      if (!this.abort.signal.aborted) throw error;
    }
    const settled = wanted.every((uid) => ["ready", "failed"].includes(this.library.get(uid)?.status ?? "failed"));
    if (settled) this.isReady();
  }

  /** Puts a series below or above; null takes it away. */
  async show(role: "base" | "overlay", uid: string | null): Promise<void> {
    this.store.set(role === "base" ? { base: uid } : { overlay: uid });
    const { base, overlay } = this.store.state;
    this.library.release([base, overlay].filter((shown) => shown !== null));
    await this.openWanted();
  }

  retry(uid: string): Promise<void> {
    return this.library.retry(uid);
  }

  get pair(): Pair {
    const { base, overlay } = this.store.state;
    return { base: this.library.get(base), overlay: this.library.get(overlay) };
  }

  grid(): Grid {
    const { layout, maximised } = this.store.state;
    const { base, overlay } = this.pair;
    const mip = overlay !== null && (overlay.header ? overlay.header.mip !== null || isEmission(overlay) : true);
    return buildGrid(layout, maximised, { base: base !== null, overlay: overlay !== null, mip });
  }

  /** The page's cells, in device pixels of the canvas. */
  setCells(cells: readonly CellBox[], width: number, height: number, pixelRatio: number): void {
    this.cells = cells;
    this.pixelRatio = pixelRatio;
    this.backend.resize(Math.max(1, width), Math.max(1, height));
    this.redrawAll();
  }

  redrawAll(): void {
    this.fingerprints = [];
    this.requestFrame();
  }

  private requestFrame(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.drawFrame());
  }

  private drawFrame(): void {
    this.frame = 0;
    if (this.abort.signal.aborted) return;
    const revisions = [this.pair.base?.revision, this.pair.overlay?.revision].join();
    const dirty: number[] = [];
    const scenes: Scene[] = [];
    for (const [index, cell] of this.cells.entries()) {
      const scene = this.scene(cell);
      const fingerprint = JSON.stringify(scene) + revisions;
      if (fingerprint === this.fingerprints[index]) continue;
      this.fingerprints[index] = fingerprint;
      dirty.push(index);
      scenes.push(scene);
    }
    if (scenes.length > 0) this.backend.draw(scenes);
    this.framed.send(dirty);
  }

  private scene(cell: CellBox): Scene {
    const side = sideOf(this.store.state, this.pair, cell.slot.content);
    return buildScene({ ...side, pixelRatio: this.pixelRatio, frugal: this.backend.kind === "cpu" }, cell);
  }

  private onLoaded(): void {
    const { base, overlay } = this.pair;
    if (!this.placed && (base?.grid || overlay?.grid)) {
      // The middle of the smaller of the two bodies: a CT of one region lies inside a whole-body PET.
      const centre = boxCentre(base?.body ?? overlay?.body ?? sharedBox(this.pair));
      const other = boxCentre(overlay?.body ?? sharedBox(this.pair));
      this.store.set({ crosshair: centre, focus: centre, overlayCrosshair: other, overlayFocus: other });
      if (base === null || base.grid) this.placed = true;
    }
    this.requestFrame();
  }

  private listenTo(backend: Backend): void {
    backend.onRestored = () => {
      this.library.moveTo(backend);
      this.redrawAll();
    };
    backend.onGone = () => this.useBackend("cpu", "graphics lost");
  }

  /** Changes what draws while the page stays as it is. */
  useBackend(choice: BackendChoice, reason: string | null = null): void {
    const { canvas } = this.backend;
    this.backend.onGone = null;
    this.backend.onRestored = null;
    this.backend.dispose();
    const opened = openBackend(choice, this.options.newCanvas);
    this.backend = opened.backend;
    this.fallback = reason ?? opened.fallback;
    this.listenTo(opened.backend);
    opened.backend.resize(canvas.width, canvas.height);
    this.library.moveTo(opened.backend);
    this.backendChanged.send();
    this.redrawAll();
  }

  // What tools ask for

  view(slot: Slot): SliceView {
    const cell = this.cells.find((entry) => entry.slot.id === slot.id);
    const { session, pair } = sideOf(this.store.state, this.pair, slot.content);
    return viewOf(session, pair, slot, cell?.rect.width ?? 1, cell?.rect.height ?? 1);
  }

  seriesIn(slot: Slot): readonly string[] {
    const { base, overlay } = this.store.state;
    const uids = slot.content === "base" ? [base] : slot.content === "fused" ? [base, overlay] : [overlay];
    return uids.filter((uid): uid is string => uid !== null && this.library.get(uid)?.header != null);
  }

  setCrosshair(lps: Vec3, from: Slot | null = null, settled = true): void {
    this.placed = true;
    const apart = from !== null && isApart(this.pair, from.content);
    const { session, pair } = sideOf(this.store.state, this.pair, apart ? "overlay" : "base");
    const cells = this.cells.filter(({ slot }) => isApart(this.pair, slot.content) === apart);
    const { crosshair, focus, pan } = { ...session, ...moveCross(session, pair, cells, lps, from, settled) };
    this.store.set(apart ? { overlayCrosshair: crosshair, overlayFocus: focus, pan } : { crosshair, focus, pan });
  }

  isApart(slot: Slot): boolean {
    return isApart(this.pair, slot.content);
  }

  /** The linked point as a slot has it. */
  crosshairIn(slot: Slot): Vec3 {
    return isApart(this.pair, slot.content) ? this.store.state.overlayCrosshair : this.store.state.crosshair;
  }

  pickOnMip(slot: Slot, x: number, y: number): Vec3 | null {
    const { overlay } = this.pair;
    return overlay ? pickHottest(overlay, this.view(slot), this.store.state.mipDegrees, x, y) : null;
  }

  window(uid: string): readonly [number, number] {
    const series = this.library.get(uid);
    return series ? windowOf(this.store.state, series) : [0, 1];
  }

  setWindow(uid: string, window: readonly [number, number]): void {
    this.store.set({ windows: { ...this.store.state.windows, [uid]: window } });
  }

  isSigned(uid: string): boolean {
    const header = this.library.get(uid)?.header;
    return header ? header.valueRange[0] < 0 || header.modality === "MR" : true;
  }

  /** The series by whose slices a slot is scrolled and counted. */
  primary(slot: Slot): LoadedSeries | null {
    const { base, overlay } = this.pair;
    return (slot.content === "base" || slot.content === "fused" ? base : null) ?? overlay ?? base;
  }

  step(slot: Slot, slices: number): void {
    if (!slot.orientation) {
      const degrees = this.pair.overlay?.mip?.header.degreesPerFrame ?? 6;
      this.store.set({ mipDegrees: this.store.state.mipDegrees + slices * degrees, mipSpin: 0 });
      return;
    }
    const grid = this.primary(slot)?.grid;
    if (!grid) return;
    const { forward } = PLANES[slot.orientation];
    this.setCrosshair(stepSlices(grid, forward, this.crosshairIn(slot), slices), slot);
  }

  /** Measurements that lie on the slice a slot shows. */
  measurementsIn(slot: Slot): readonly Measurement[] {
    if (!slot.orientation) return [];
    const grid = this.primary(slot)?.grid;
    if (!grid) return [];
    const { measurements } = this.store.state;
    const crosshair = this.crosshairIn(slot);
    const apart = isApart(this.pair, slot.content);
    const { forward } = PLANES[slot.orientation];
    const layer = layerMm(grid.ijkToLps, forward);
    return measurements.filter((m) => {
      const at = m.kind === "ellipse" ? m.centre : m.from;
      return m.orientation === slot.orientation && m.apart === apart && onSlice(at, crosshair, forward, layer);
    });
  }

  /** Brings a stored view back. */
  recall(viewState: unknown): void {
    const patch = fromViewState(viewState, (uid) => this.library.get(uid) !== null);
    const { measurements, ...rest } = patch;
    this.store.set(rest);
    if (measurements) this.measurements.replace(measurements);
    if (patch.crosshair) this.store.set({ crosshair: insideVolumes(this.pair, patch.crosshair) });
    void this.openWanted();
  }

  // What tests and pages ask for

  cellInfos(): readonly CellInfo[] {
    return this.cells.map(({ slot }, index) => ({
      index,
      id: slot.id,
      content: slot.content,
      orientation: slot.orientation,
      view: this.view(slot),
    }));
  }

  /** Value of a series at a point, from the stored voxels. */
  probe(seriesUid: string, lps: Vec3): Probe | null {
    const series = this.library.get(seriesUid);
    return series ? probe(series, lps) : null;
  }

  /** Values of a cell instead of colours. */
  renderRaw(cellIndex: number): RawPicture {
    const scene = this.scene(this.cellAt(cellIndex));
    if (scene.kind === "blank") throw new RangeError("nothing is shown in this cell");
    return this.backend.raw(scene);
  }

  /** Colours of a cell without its cross. */
  readPixels(cellIndex: number): Pixels {
    return this.backend.pixels(this.scene(this.cellAt(cellIndex)));
  }

  /** A cell drawn anew with `factor` times as many pixels each way, for pictures that leave the screen; without its cross. */
  picture(cellIndex: number, factor: number): Pixels {
    const { slot, rect } = this.cellAt(cellIndex);
    const width = Math.round(rect.width * factor);
    const height = Math.round(rect.height * factor);
    return this.backend.pixels(this.scene({ slot, rect: { x: 0, y: 0, width, height } }));
  }

  /** Where a cell lies on the canvas, device pixels. */
  rectOf(cellIndex: number): Rect {
    return this.cellAt(cellIndex).rect;
  }

  private cellAt(index: number): CellBox {
    const cell = this.cells[index];
    if (!cell) throw new RangeError(`no cell ${index}`);
    return cell;
  }

  dispose(): void {
    this.abort.abort(new DOMException("viewer closed", "AbortError"));
    cancelAnimationFrame(this.frame);
    this.spinner.stop();
    this.options.unpacker.close();
    this.backend.onGone = null;
    this.backend.dispose();
  }
}

function isEmission(series: LoadedSeries): boolean {
  return ["PET", "PET_NAC", "NM"].includes(series.entry.role);
}
