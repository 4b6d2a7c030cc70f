import { shownValue } from "../core/displayScale";
import type { Vec3 } from "../core/vec3";
import type { LoadedSeries } from "./loadedSeries";

export interface Probe {
  /** Between voxels, trilinear, in `units`. */
  readonly value: number;
  /** The voxel the point lies in, in `units`: what a reader is shown. */
  readonly voxel: number;
  readonly ijk: Vec3;
  readonly units: string;
  /** The same voxel before the SUV factor. */
  readonly rawValue: number;
  readonly rawUnits: string;
  /** False while only the coarse preview is there. */
  readonly isFull: boolean;
}

/** Null outside the volume and before it is loaded. */
export function probe(series: LoadedSeries, lps: Vec3): Probe | null {
  const { grid, scale } = series;
  const nearest = grid?.nearest(lps);
  const between = grid?.trilinear(lps);
  if (!scale || !nearest || between === null || between === undefined) return null;
  return {
    value: shownValue(scale, between),
    voxel: shownValue(scale, nearest.stored),
    ijk: nearest.ijk,
    units: scale.units,
    rawValue: nearest.stored * scale.slope + scale.intercept,
    rawUnits: scale.rawUnits,
    isFull: series.isFull,
  };
}
