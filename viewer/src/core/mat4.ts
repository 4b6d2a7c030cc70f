import type { Vec3 } from "./vec3";

/** An affine transform: 16 numbers, row-major, last row 0 0 0 1, as `ijk_to_lps` is sent. */
export type Mat4 = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export const IDENTITY: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function transformPoint(m: Mat4, p: Vec3): Vec3 {
  return [
    m[0] * p[0] + m[1] * p[1] + m[2] * p[2] + m[3],
    m[4] * p[0] + m[5] * p[1] + m[6] * p[2] + m[7],
    m[8] * p[0] + m[9] * p[1] + m[10] * p[2] + m[11],
  ];
}

export function transformDirection(m: Mat4, d: Vec3): Vec3 {
  return [
    m[0] * d[0] + m[1] * d[1] + m[2] * d[2],
    m[4] * d[0] + m[5] * d[1] + m[6] * d[2],
    m[8] * d[0] + m[9] * d[1] + m[10] * d[2],
  ];
}

/** a · b: first b, then a. */
export function multiply(a: Mat4, b: Mat4): Mat4 {
  const out: number[] = [];
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 4; column++) {
      let sum = 0;
      for (let n = 0; n < 4; n++) sum += a[row * 4 + n]! * b[n * 4 + column]!;
      out.push(sum);
    }
  }
  return out as unknown as Mat4;
}

/** Inverse of an affine transform. Throws RangeError when the transform is flat. */
export function invert(m: Mat4): Mat4 {
  const [a, b, c, x, d, e, f, y, g, h, i, z] = m;
  const minor0 = e * i - f * h;
  const minor1 = f * g - d * i;
  const minor2 = d * h - e * g;
  const determinant = a * minor0 + b * minor1 + c * minor2;
  if (!Number.isFinite(determinant) || Math.abs(determinant) < 1e-12) throw new RangeError("transform has no inverse");
  const q = 1 / determinant;
  const r0: Vec3 = [minor0 * q, (c * h - b * i) * q, (b * f - c * e) * q];
  const r1: Vec3 = [minor1 * q, (a * i - c * g) * q, (c * d - a * f) * q];
  const r2: Vec3 = [minor2 * q, (b * g - a * h) * q, (a * e - b * d) * q];
  const shift = (r: Vec3) => -(r[0] * x + r[1] * y + r[2] * z);
  return [...r0, shift(r0), ...r1, shift(r1), ...r2, shift(r2), 0, 0, 0, 1];
}

/** The same transform as WebGL wants it. */
export function columnMajor(m: Mat4): Float32Array {
  const out = new Float32Array(16);
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 4; column++) out[column * 4 + row] = m[row * 4 + column]!;
  return out;
}
