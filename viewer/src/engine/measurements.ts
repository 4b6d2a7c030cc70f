import { type EllipseShape, ellipseStatistics } from "../core/ellipseStatistics";
import { Fields } from "../core/fields";
import { History } from "../core/history";
import type { EllipseRoi, Measurement, RegionStatistics } from "../core/measurement";
import type { Session } from "../core/session";
import { Signal } from "../core/signal";
import type { Store } from "../core/store";
import type { Vec3 } from "../core/vec3";
import type { VoxelGrid } from "../core/voxelGrid";
import { FetchError } from "../loader/request";
import type { ServerPost } from "./serverPost";
import type { VolumeLibrary } from "./volumeLibrary";

export interface ServerStatistics extends RegionStatistics {
  readonly method: string;
  readonly version: string;
}

/** The numbers of a region in one series: the server's when it has answered, this page's until then. */
export interface RegionResult {
  readonly statistics: RegionStatistics | null;
  readonly server: ServerStatistics | null;
  readonly state: "preview" | "asking" | "server" | "failed";
  /** What the server said when it refused. */
  readonly refusal: string;
}

interface Answer {
  readonly state: "asking" | "server" | "failed";
  readonly statistics: ServerStatistics | null;
  readonly refusal: string;
}

/** The list of measurements with its undo, and their numbers. */
export class Measurements {
  readonly changed = new Signal();
  private readonly history: History<readonly Measurement[]>;
  // By identity: a changed region is a new object, and a region brought back by undo finds its old answer.
  private readonly answers = new WeakMap<Measurement, Map<string, Answer>>();
  private readonly previews = new WeakMap<Measurement, Map<VoxelGrid, RegionStatistics | null>>();
  private count = 0;

  constructor(
    private readonly store: Store<Session>,
    private readonly library: VolumeLibrary,
    private readonly post: ServerPost,
    private readonly measureUrl: () => string,
  ) {
    this.history = new History(store.state.measurements);
  }

  newName(kind: Measurement["kind"]): { id: string; label: string } {
    this.count++;
    const same = this.store.state.measurements.filter((m) => m.kind === kind);
    const last = Math.max(0, ...same.map((m) => Number(m.label.slice(1)) || 0));
    return { id: `m${this.count}-${Date.now().toString(36)}`, label: `${kind === "ellipse" ? "R" : "D"}${last + 1}` };
  }

  /** While the pointer moves: shown at once, not yet a step of the history. */
  show(measurement: Measurement): void {
    const list = this.store.state.measurements;
    const known = list.some((m) => m.id === measurement.id);
    const next = known ? list.map((m) => (m.id === measurement.id ? measurement : m)) : [...list, measurement];
    this.store.set({ measurements: next, selected: measurement.id });
    this.changed.send();
  }

  /** The pointer was lifted: a step of the history, and the server is asked. */
  settle(): void {
    this.history.record(this.store.state.measurements);
    this.askForAll();
  }

  remove(id: string): void {
    const measurements = this.store.state.measurements.filter((m) => m.id !== id);
    this.store.set({ measurements, selected: null });
    this.settle();
    this.changed.send();
  }

  /** Replaces the whole list, as when a key image is recalled. */
  replace(measurements: readonly Measurement[]): void {
    this.store.set({ measurements, selected: null });
    this.settle();
    this.changed.send();
  }

  undo(): void {
    this.go(this.history.undo());
  }

  redo(): void {
    this.go(this.history.redo());
  }

  private go(measurements: readonly Measurement[]): void {
    this.store.set({ measurements, selected: null });
    this.askForAll();
    this.changed.send();
  }

  result(roi: EllipseRoi, uid: string): RegionResult {
    const answer = this.answers.get(roi)?.get(uid);
    const server = answer?.statistics ?? null;
    return {
      statistics: server ?? this.preview(roi, uid),
      server,
      state: answer?.state ?? "preview",
      refusal: answer?.refusal ?? "",
    };
  }

  private preview(roi: EllipseRoi, uid: string): RegionStatistics | null {
    const series = this.library.get(uid);
    // Numbers of a coarse preview would be read as numbers.
    if (!series?.grid || !series.scale || !series.isFull) return null;
    let known = this.previews.get(roi);
    if (!known) {
      known = new Map();
      this.previews.set(roi, known);
    }
    let statistics = known.get(series.grid);
    if (statistics === undefined) {
      statistics = ellipseStatistics(series.grid, series.scale, roi);
      known.set(series.grid, statistics);
    }
    return statistics;
  }

  private askForAll(): void {
    for (const m of this.store.state.measurements) {
      if (m.kind === "ellipse") for (const uid of m.seriesUids) void this.ask(m, uid);
    }
  }

  private async ask(roi: EllipseRoi, uid: string): Promise<void> {
    const volumeId = this.library.get(uid)?.header?.id;
    const url = this.measureUrl();
    const answers = this.answers.get(roi) ?? new Map<string, Answer>();
    const before = answers.get(uid)?.state;
    if (!volumeId || !url || before === "asking" || before === "server") return;
    this.answers.set(roi, answers);
    answers.set(uid, { state: "asking", statistics: null, refusal: "" });
    try {
      const answer = await this.post.json(url, { volume_id: volumeId, kind: "ellipse", ...geometry(roi) });
      answers.set(uid, { state: "server", statistics: parseStatistics(answer), refusal: "" });
    } catch (error) {
      const refusal = error instanceof FetchError ? error.sentence : "";
      answers.set(uid, { state: "failed", statistics: null, refusal });
    }
    this.changed.send();
  }
}

function geometry(roi: EllipseShape): Record<string, unknown> {
  return {
    centre_lps: roi.centre,
    axis_u: roi.axisU,
    axis_v: roi.axisV,
    radius_u_mm: roi.radiusUMm,
    radius_v_mm: roi.radiusVMm,
  };
}

function parseStatistics(json: unknown): ServerStatistics {
  const fields = new Fields(json, "measure");
  return {
    units: fields.text("units"),
    max: fields.number("max"),
    mean: fields.number("mean"),
    min: fields.number("min"),
    std: fields.number("std"),
    voxels: fields.number("voxels"),
    areaMm2: fields.number("area_mm2"),
    maxAt: fields.numbers("max_at_lps", 3) as unknown as Vec3,
    method: fields.text("method", ""),
    version: fields.text("version", ""),
  };
}
