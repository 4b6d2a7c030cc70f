import type { Orientation } from "./planes";
import type { Vec3 } from "./vec3";

export interface EllipseRoi {
  readonly kind: "ellipse";
  readonly id: string;
  readonly label: string;
  readonly orientation: Orientation;
  /** Drawn on an overlay that lies in another frame of reference than the base. */
  readonly apart: boolean;
  readonly centre: Vec3;
  /** Unit directions of the two half axes; they span the plane the ellipse was drawn on. */
  readonly axisU: Vec3;
  readonly axisV: Vec3;
  readonly radiusUMm: number;
  readonly radiusVMm: number;
  /** Series it is measured in: those shown in the cell it was drawn in. */
  readonly seriesUids: readonly string[];
}

export interface LengthLine {
  readonly kind: "length";
  readonly id: string;
  readonly label: string;
  readonly orientation: Orientation;
  readonly apart: boolean;
  readonly from: Vec3;
  readonly to: Vec3;
}

export type Measurement = EllipseRoi | LengthLine;

/** Numbers of one region in one series, in the units shown. */
export interface RegionStatistics {
  readonly units: string;
  readonly max: number;
  readonly mean: number;
  readonly min: number;
  /** Population standard deviation. */
  readonly std: number;
  readonly voxels: number;
  readonly areaMm2: number;
  readonly maxAt: Vec3;
}

export function measurementCentre(m: Measurement): Vec3 {
  if (m.kind === "ellipse") return m.centre;
  return [(m.from[0] + m.to[0]) / 2, (m.from[1] + m.to[1]) / 2, (m.from[2] + m.to[2]) / 2];
}
