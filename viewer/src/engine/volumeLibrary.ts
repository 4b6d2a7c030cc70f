import { bodyBox } from "../core/box";
import { displayScale } from "../core/displayScale";
import type { SeriesEntry } from "../core/manifest";
import { Signal } from "../core/signal";
import { type TexelScale, texelScale, toTexels } from "../core/texels";
import { type LevelHeader, parseVolumeHeader, type VolumeHeader } from "../core/volumeHeader";
import type { VoxelGrid } from "../core/voxelGrid";
import { loadLevel } from "../loader/loadLevel";
import { loadMip } from "../loader/loadMip";
import { type Fetch, request } from "../loader/request";
import type { Unpacker } from "../loader/unpacker";
import type { Backend } from "../render/backend";
import { failureOf } from "./failure";
import type { LoadedSeries } from "./loadedSeries";

/** Loads series when they are wanted and hands their voxels to the backend. */
export class VolumeLibrary {
  readonly changed = new Signal<string>();
  private readonly series = new Map<string, LoadedSeries>();
  private readonly running = new Map<string, Promise<void>>();

  constructor(
    private readonly fetcher: Fetch,
    private readonly unpacker: Unpacker,
    private readonly signal: AbortSignal,
    private backend: Backend,
  ) {}

  get(uid: string | null): LoadedSeries | null {
    return uid === null ? null : (this.series.get(uid) ?? null);
  }

  all(): readonly LoadedSeries[] {
    return [...this.series.values()];
  }

  /** Takes over what the manifest says; what is loaded stays. Series whose volume has become ready can then be opened. */
  update(entries: readonly SeriesEntry[]): void {
    for (const entry of entries) {
      const known = this.series.get(entry.uid);
      if (!known) this.series.set(entry.uid, fresh(entry));
      else if (known.header) this.series.set(entry.uid, { ...known, entry });
      else if (!this.running.has(entry.uid)) this.series.set(entry.uid, { ...fresh(entry), revision: known.revision });
      this.changed.send(entry.uid);
    }
  }

  /** Loads previews of all, then full resolutions one after the other, so that something is seen of each as soon as can be. */
  async open(uids: readonly string[]): Promise<void> {
    const todo = uids.filter((uid) => this.series.get(uid)?.entry.volume?.status === "ready");
    for (const uid of todo) this.giveBack(uid);
    await Promise.all(todo.map((uid) => this.once(`${uid} preview`, uid, () => this.loadPreview(uid))));
    for (const uid of todo) await this.once(`${uid} full`, uid, () => this.loadFull(uid));
  }

  /** Frees the graphics memory of series that are no longer shown; their voxels stay for when they are shown again. */
  release(shown: readonly string[]): void {
    for (const uid of this.series.keys()) if (!shown.includes(uid)) this.backend.drop(uid);
  }

  private giveBack(uid: string): void {
    const { grid, header, mip, revision } = this.series.get(uid)!;
    if (!grid || !header || this.backend.has(uid)) return;
    if (mip) this.backend.putMip(uid, mip);
    this.uploadGrid(uid, header, grid);
    this.patch(uid, { revision: revision + 1 });
  }

  /** Forgets a failure and tries again. */
  async retry(uid: string): Promise<void> {
    const known = this.series.get(uid);
    if (!known) return;
    this.running.delete(`${uid} preview`);
    this.running.delete(`${uid} full`);
    if (!known.header) this.series.set(uid, fresh(known.entry));
    await this.open([uid]);
  }

  /** Gives a new or restored backend everything that is loaded. */
  moveTo(backend: Backend): void {
    this.backend = backend;
    for (const loaded of this.series.values()) {
      if (loaded.mip) backend.putMip(loaded.entry.uid, loaded.mip);
      if (loaded.grid && loaded.header) this.uploadGrid(loaded.entry.uid, loaded.header, loaded.grid);
      if (loaded.grid) this.patch(loaded.entry.uid, { revision: loaded.revision + 1 });
    }
  }

  private async once(key: string, uid: string, work: () => Promise<void>): Promise<void> {
    let run = this.running.get(key);
    if (!run) {
      run = work().catch((error: unknown) => {
        if (this.signal.aborted) throw error;
        this.running.delete(key);
        this.patch(uid, { status: "failed", failure: failureOf(error) });
      });
      this.running.set(key, run);
    }
    await run;
  }

  private async loadPreview(uid: string): Promise<void> {
    const { entry } = this.series.get(uid)!;
    this.patch(uid, { status: "loading", progress: 0, failure: null });
    const url = entry.volume?.headerUrl ?? "";
    const answer = await request(this.fetcher, url, { signal: this.signal });
    const header = parseVolumeHeader(await answer.json(), url);
    this.patch(uid, { header, scale: displayScale(header) });
    const [coarse] = header.levels;
    const mip = header.mip
      ? loadMip(this.fetcher, header.mip, this.signal).then((frames) => {
          this.backend.putMip(uid, frames);
          this.patch(uid, { mip: frames, revision: this.series.get(uid)!.revision + 1 });
        })
      : Promise.resolve();
    // Projections can be made up for by the volume: their failure must not stop the slices.
    mip.catch(() => {});
    if (header.levels.length > 1) await this.loadLevelInto(uid, header, coarse!, false);
  }

  private async loadFull(uid: string): Promise<void> {
    const { header, status } = this.series.get(uid)!;
    if (!header || status === "failed") return;
    await this.loadLevelInto(uid, header, header.levels.at(-1)!, true);
    this.patch(uid, { status: "ready", progress: 1 });
  }

  private async loadLevelInto(uid: string, header: VolumeHeader, level: LevelHeader, isFull: boolean): Promise<void> {
    const { backend } = this;
    const scale = texelScale(header.slope, header.intercept, header.valueRange);
    // What is too large for this graphics is shown coarse; its numbers are still those of the full resolution.
    const drawable = backend.fits(level.shape);
    const upload = drawable ? backend.begin(uid, { shape: level.shape, ijkToLps: level.ijkToLps, scale }) : null;
    try {
      const grid = await loadLevel(this.fetcher, this.unpacker, {
        level,
        scale,
        format: drawable ? backend.texelFormat : "none",
        signal: this.signal,
        onSlices: (k0, count, texels) => {
          if (backend === this.backend) upload?.slices(k0, count, texels);
        },
        onProgress: (progress) => this.patch(uid, { progress }),
      });
      if (backend === this.backend) upload?.finish(grid);
      else this.uploadGrid(uid, header, grid);
      const known = this.series.get(uid)!;
      const body = known.body ?? bodyBox(grid, bodyThreshold(header));
      this.patch(uid, { grid, isFull, body, revision: known.revision + 1 });
    } catch (error) {
      upload?.abort();
      throw error;
    }
  }

  private uploadGrid(uid: string, header: VolumeHeader, grid: VoxelGrid): void {
    const { backend } = this;
    if (!backend.fits(grid.shape)) return;
    const scale: TexelScale = texelScale(header.slope, header.intercept, header.valueRange);
    const upload = backend.begin(uid, { shape: grid.shape, ijkToLps: grid.ijkToLps, scale });
    const perSlice = grid.shape[0] * grid.shape[1];
    const step = 32;
    for (let k0 = 0; k0 < grid.shape[2]; k0 += step) {
      const part = grid.stored.subarray(k0 * perSlice, (k0 + step) * perSlice);
      const texels = backend.texelFormat === "none" ? null : toTexels(part, scale, backend.texelFormat);
      upload.slices(k0, part.length / perSlice, texels);
    }
    upload.finish(grid);
  }

  private patch(uid: string, patch: Partial<LoadedSeries>): void {
    this.series.set(uid, { ...this.series.get(uid)!, ...patch });
    this.changed.send(uid);
  }
}

function fresh(entry: SeriesEntry): LoadedSeries {
  const { volume } = entry;
  const failed = volume?.status === "failed";
  return {
    entry,
    status: failed ? "failed" : volume?.status === "preparing" ? "preparing" : "waiting",
    progress: volume?.progress ?? 0,
    failure: failed ? { reason: "preparing", detail: volume.detail } : null,
    header: null,
    scale: null,
    grid: null,
    isFull: false,
    body: null,
    mip: null,
    revision: 0,
  };
}

/** Stored value above which a voxel counts as patient: -300 HU, SUV 0.25, or a twentieth of the window's top. */
function bodyThreshold(header: VolumeHeader): number {
  const scale = displayScale(header);
  const shown = scale.units === "HU" ? -300 : scale.isSuv ? 0.25 : header.defaultWindow[1] * 0.05;
  return (shown / scale.factor - scale.intercept) / scale.slope;
}
