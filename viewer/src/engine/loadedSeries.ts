import type { Box } from "../core/box";
import type { DisplayScale } from "../core/displayScale";
import type { SeriesEntry } from "../core/manifest";
import type { MipFrames } from "../core/mipFrames";
import type { VolumeHeader } from "../core/volumeHeader";
import type { VoxelGrid } from "../core/voxelGrid";

export type SeriesStatus = "waiting" | "preparing" | "loading" | "ready" | "failed";

/** Why a series cannot be shown: the words for it are the panels' business. */
export interface Failure {
  readonly reason:
    | "unreachable"
    | "signed-out"
    | "forbidden"
    | "missing"
    | "server"
    | "damaged"
    | "format"
    | "preparing";
  readonly detail: string;
}

/** What the viewer holds of one series; replaced, never changed. */
export interface LoadedSeries {
  readonly entry: SeriesEntry;
  readonly status: SeriesStatus;
  /** 0 … 1 of the step it is in. */
  readonly progress: number;
  readonly failure: Failure | null;
  readonly header: VolumeHeader | null;
  readonly scale: DisplayScale | null;
  /** Voxels of the best level so far. */
  readonly grid: VoxelGrid | null;
  readonly isFull: boolean;
  readonly body: Box | null;
  readonly mip: MipFrames | null;
  /** Counts up whenever what the backend holds of it changes. */
  readonly revision: number;
}
