import { along, dot, subtract, type Vec3 } from "./vec3";

/** A rectangle of pixels laid on a plane of the patient. Any plane: the picture knows no axes. */
export interface SliceView {
  /** World point at the middle of the rectangle, mm LPS. */
  readonly centre: Vec3;
  /** Unit directions of the picture's right and down. */
  readonly right: Vec3;
  readonly down: Vec3;
  readonly forward: Vec3;
  readonly mmPerPixel: number;
  readonly width: number;
  readonly height: number;
}

/** World point under a pixel position; (0.5, 0.5) is the middle of the top left pixel. */
export function toWorld(view: SliceView, x: number, y: number): Vec3 {
  const a = along(view.centre, view.right, (x - view.width / 2) * view.mmPerPixel);
  return along(a, view.down, (y - view.height / 2) * view.mmPerPixel);
}

export interface PixelPoint {
  readonly x: number;
  readonly y: number;
  /** Signed distance from the plane along `forward`, mm. */
  readonly distanceMm: number;
}

export function toPixel(view: SliceView, lps: Vec3): PixelPoint {
  const d = subtract(lps, view.centre);
  return {
    x: dot(d, view.right) / view.mmPerPixel + view.width / 2,
    y: dot(d, view.down) / view.mmPerPixel + view.height / 2,
    distanceMm: dot(d, view.forward),
  };
}
