import type { Mat4 } from "../core/mat4";
import type { MipFrames } from "../core/mipFrames";
import type { TexelFormat, TexelScale, Texels } from "../core/texels";
import type { Vec3 } from "../core/vec3";
import type { VoxelGrid } from "../core/voxelGrid";
import type { MipScene, Scene, SliceScene } from "./scene";

/** Values instead of colours, top row first, four floats a pixel: base, overlay, is base there, is overlay there. */
export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Colours of a cell without its cross, RGBA, top row first. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** A volume on its way in; it takes the place of the one with the same key when it is finished. */
export interface Upload {
  slices(k0: number, count: number, texels: Texels | null): void;
  finish(grid: VoxelGrid): void;
  abort(): void;
}

export interface VolumeShape {
  readonly shape: Vec3;
  readonly ijkToLps: Mat4;
  readonly scale: TexelScale;
}

/** Two of these exist: WebGL2, and the processor alone for PCs whose graphics are missing or wrong. */
export interface Backend {
  readonly kind: "webgl2" | "cpu";
  /** For the status line: what draws. */
  readonly description: string;
  readonly canvas: HTMLCanvasElement;
  readonly texelFormat: TexelFormat;
  /** Pixels of the whole canvas that are drawn quickly enough to scroll; infinite for a graphics card. */
  readonly pixelBudget: number;
  /** Called when drawings and volumes were lost and have to be given again. */
  onRestored: (() => void) | null;
  /** Called when the graphics were lost and do not come back. */
  onGone: (() => void) | null;
  /** Sets the size and forgets the picture: between the cells lies bare canvas. */
  resize(width: number, height: number): void;
  fits(shape: Vec3): boolean;
  begin(key: string, volume: VolumeShape): Upload;
  putMip(key: string, frames: MipFrames): void;
  has(key: string): boolean;
  drop(key: string): void;
  draw(scenes: readonly Scene[]): void;
  raw(scene: SliceScene | MipScene): RawPicture;
  pixels(scene: Scene): Pixels;
  dispose(): void;
}
