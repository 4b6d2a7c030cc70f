import { mipPlane } from "./planes";
import { along, dot, subtract, type Vec3 } from "./vec3";
import type { MipHeader } from "./volumeHeader";

/** Stored projections: frame by frame, row by row from the head, int16. */
export interface MipFrames {
  readonly header: MipHeader;
  readonly values: Int16Array<ArrayBuffer>;
  /** Where along the ray the hottest voxel lies, stored; mm = stored * depthSlopeMm + depthInterceptMm. Null when not sent. */
  readonly depth: Int16Array<ArrayBuffer> | null;
}

/** The stored frame nearest to an angle. */
export function frameAt(header: MipHeader, degrees: number): number {
  const turns = Math.round(degrees / header.degreesPerFrame) % header.frames;
  return turns < 0 ? turns + header.frames : turns;
}

export interface MipPixel {
  readonly x: number;
  readonly y: number;
}

/** Pixel (fractions counted from the middle of the first pixel) of a frame under a world point, and the point's place along the ray. */
export function projectOnFrame(header: MipHeader, frame: number, lps: Vec3): MipPixel & { readonly depthMm: number } {
  const plane = mipPlane(frame * header.degreesPerFrame);
  const d = subtract(lps, header.centre);
  return {
    x: dot(d, plane.right) / header.spacingMm + (header.width - 1) / 2,
    y: dot(d, plane.down) / header.spacingMm + (header.height - 1) / 2,
    depthMm: dot(d, plane.forward),
  };
}

/** The hottest voxel behind a pixel of a frame, from the depth map; null off the frame or without depth. */
export function hottestPoint(mip: MipFrames, frame: number, pixel: MipPixel): Vec3 | null {
  const { header, depth } = mip;
  const x = Math.round(pixel.x);
  const y = Math.round(pixel.y);
  if (!depth || x < 0 || y < 0 || x >= header.width || y >= header.height) return null;
  const stored = depth[(frame * header.height + y) * header.width + x]!;
  const plane = mipPlane(frame * header.degreesPerFrame);
  let point = along(header.centre, plane.right, (x - (header.width - 1) / 2) * header.spacingMm);
  point = along(point, plane.down, (y - (header.height - 1) / 2) * header.spacingMm);
  return along(point, plane.forward, stored * header.depthSlopeMm + header.depthInterceptMm);
}
