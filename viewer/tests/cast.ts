import type { DisplayScale } from "../src/core/displayScale";
import type { Mat4 } from "../src/core/mat4";
import type { Vec3 } from "../src/core/vec3";
import { VoxelGrid } from "../src/core/voxelGrid";

/** A grid whose stored value is a function of the index. */
export function gridOf(shape: Vec3, ijkToLps: Mat4, value: (i: number, j: number, k: number) => number): VoxelGrid {
  const stored = new Int16Array(shape[0] * shape[1] * shape[2]);
  let n = 0;
  for (let k = 0; k < shape[2]; k++)
    for (let j = 0; j < shape[1]; j++) for (let i = 0; i < shape[0]; i++) stored[n++] = value(i, j, k);
  return new VoxelGrid(shape, ijkToLps, stored);
}

/** Upright axes, i to the left, j to the back, k to the head. */
export function upright(spacing: Vec3, origin: Vec3 = [0, 0, 0]): Mat4 {
  const [x, y, z] = spacing;
  return [x, 0, 0, origin[0], 0, y, 0, origin[1], 0, 0, z, origin[2], 0, 0, 0, 1];
}

/** Turned about all three axes, as an oblique MR. */
export function oblique(spacing: Vec3, origin: Vec3): Mat4 {
  const a = 0.4;
  const b = -0.3;
  const rx: Vec3 = [Math.cos(a), Math.sin(a) * Math.cos(b), Math.sin(a) * Math.sin(b)];
  const ry: Vec3 = [-Math.sin(a), Math.cos(a) * Math.cos(b), Math.cos(a) * Math.sin(b)];
  const rz: Vec3 = [0, -Math.sin(b), Math.cos(b)];
  const row = (n: 0 | 1 | 2) => [rx[n] * spacing[0], ry[n] * spacing[1], rz[n] * spacing[2], origin[n]] as const;
  return [...row(0), ...row(1), ...row(2), 0, 0, 0, 1];
}

export const HU: DisplayScale = { slope: 1, intercept: 0, factor: 1, units: "HU", rawUnits: "HU", isSuv: false };

export function headerJson(patch: Record<string, unknown> = {}): Record<string, unknown> {
  const level = (name: string, shape: Vec3) => ({
    name,
    shape,
    ijk_to_lps: upright([2, 2, 3]),
    bricks: [
      { k0: 0, k1: 1, url: `/${name}/0`, bytes: shape[0] * shape[1] * 2, sha256: "" },
      { k0: 1, k1: shape[2], url: `/${name}/1`, bytes: shape[0] * shape[1] * (shape[2] - 1) * 2, sha256: "" },
    ],
  });
  return {
    format: "hevesy-volume/1",
    id: "vol-1",
    series_instance_uid: "1.2.3",
    frame_of_reference_uid: "1.2.9",
    modality: "PT",
    units: "BQML",
    description: "WB",
    ijk_to_lps: upright([2, 2, 3]),
    slope: 10,
    intercept: 0,
    value_range: [0, 300000],
    suv: { bw_factor: 2e-4, method: "m", version: "1", refused: null, refused_text_zh: "", warnings: [] },
    default_window: [0, 7],
    levels: [level("preview", [2, 2, 2]), level("full", [4, 4, 3])],
    mip: null,
    ...patch,
  };
}

export function manifestJson(patch: Record<string, unknown> = {}): Record<string, unknown> {
  const series = (uid: string, role: string, status = "ready") => ({
    uid,
    modality: role === "PET" ? "PT" : role,
    number: 1,
    description: role,
    instances: 3,
    role,
    volume: { status, id: uid, header_url: `/header/${uid}`, progress: 1, message_zh: "" },
    thumbnail_url: null,
  });
  return {
    study: { uid: "1.2", date: "2026-11-24", description: "PET-CT" },
    patient: { name: "陈建国", sex: "M", age: "062Y", patient_id: "P1" },
    exam: null,
    report_url: null,
    can_capture: true,
    key_images_url: "/keys/",
    measure_url: "/measure/",
    series: [series("1.2.3", "PET"), series("1.2.4", "CT")],
    suggested: { base: "1.2.4", overlay: "1.2.3" },
    other_studies: [],
    ...patch,
  };
}
