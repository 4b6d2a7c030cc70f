import { colourTable } from "../../colour/maps";
import { windowIndex } from "../../colour/windows";
import { frameAt, type MipFrames, projectOnFrame } from "../../core/mipFrames";
import { toWorld } from "../../core/sliceView";
import type { TexelScale } from "../../core/texels";
import type { Vec3 } from "../../core/vec3";
import type { VoxelGrid } from "../../core/voxelGrid";
import type { Backend, Pixels, RawPicture, Upload, VolumeShape } from "../backend";
import type { Layer, MipScene, Scene, SliceScene } from "../scene";
import { sampleVolume } from "./sampler";

interface Held {
  readonly grid: VoxelGrid;
  readonly scale: TexelScale;
}

/** Cells larger than this are drawn with half as many pixels each way: a scroll must not take longer than the eye waits. */
const FULL_PIXELS = 420_000;

/** Slices, fusion, slabs and stored MIP frames without graphics, by the arithmetic of the shaders. */
export class CpuBackend implements Backend {
  readonly kind = "cpu";
  readonly description = "CPU";
  readonly texelFormat = "none";
  readonly pixelBudget = 2_500_000;
  onRestored: (() => void) | null = null;
  onGone: (() => void) | null = null;
  private readonly volumes = new Map<string, Held>();
  private readonly mips = new Map<string, MipFrames>();
  private readonly context: CanvasRenderingContext2D;
  private readonly tables = new Map<string, Uint8Array>();

  constructor(readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  }

  resize(width: number, height: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.fillStyle = "#262626";
    this.context.fillRect(0, 0, width, height);
  }

  fits(_shape: Vec3): boolean {
    return true;
  }

  begin(key: string, volume: VolumeShape): Upload {
    return {
      slices: () => {},
      finish: (grid) => this.volumes.set(key, { grid, scale: volume.scale }),
      abort: () => {},
    };
  }

  putMip(key: string, frames: MipFrames): void {
    this.mips.set(key, frames);
  }

  has(key: string): boolean {
    return this.volumes.has(key);
  }

  drop(key: string): void {
    this.volumes.delete(key);
    this.mips.delete(key);
  }

  draw(scenes: readonly Scene[]): void {
    for (const scene of scenes) {
      const { x, y, width, height } = scene.rect;
      if (width < 1 || height < 1) continue;
      const step = width * height > FULL_PIXELS ? 2 : 1;
      const { columns, rows, data } = this.colours(scene, step);
      if (step === 1) this.context.putImageData(new ImageData(data, columns, rows), x, y);
      else this.putEnlarged(data, columns, rows, scene);
      this.drawCross(scene);
    }
  }

  private putEnlarged(data: Uint8ClampedArray<ArrayBuffer>, columns: number, rows: number, scene: Scene): void {
    const small = new OffscreenCanvas(columns, rows);
    small.getContext("2d")?.putImageData(new ImageData(data, columns, rows), 0, 0);
    const { x, y, width, height } = scene.rect;
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    this.context.drawImage(small, x, y, columns * 2, rows * 2);
    this.context.restore();
  }

  private drawCross(scene: Scene): void {
    const { cross, rect } = scene;
    if (!cross) return;
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
    context.fillStyle = `rgb(${cross.colour.join(" ")})`;
    const x = rect.x + Math.round(cross.x - cross.thickness / 2);
    const y = rect.y + Math.round(cross.y - cross.thickness / 2);
    const t = cross.thickness;
    context.fillRect(rect.x, y, x - cross.gap - rect.x, t);
    context.fillRect(x + cross.gap, y, rect.width, t);
    context.fillRect(x, rect.y, t, y - cross.gap - rect.y);
    context.fillRect(x, y + cross.gap, t, rect.height);
    context.restore();
  }

  raw(scene: SliceScene | MipScene): RawPicture {
    const { width, height } = scene.rect;
    const [base, overlay] = this.values(scene, 1);
    const data = new Float32Array(width * height * 4);
    for (let n = 0; n < width * height; n++) {
      const b = base?.[n] ?? Number.NaN;
      const o = overlay?.[n] ?? Number.NaN;
      data.set([b || 0, o || 0, Number.isNaN(b) ? 0 : 1, Number.isNaN(o) ? 0 : 1], n * 4);
    }
    return { width, height, data };
  }

  pixels(scene: Scene): Pixels {
    const { columns, rows, data } = this.colours(scene, 1);
    return { width: columns, height: rows, data };
  }

  /** Shown values of base and overlay at every pixel, NaN where there is nothing. */
  private values(scene: SliceScene | MipScene, step: number): [Float32Array | null, Float32Array | null] {
    if (scene.kind === "mip") return [this.mipValues(scene, step), null];
    const layer = (of: Layer | null) => {
      const held = of && this.volumes.get(of.volume);
      if (!of || !held) return null;
      const count = Math.ceil(scene.view.width / step) * Math.ceil(scene.view.height / step);
      const out = sampleVolume(held.grid, scene, step, new Float32Array(count));
      const slope = (held.scale.slope / held.scale.gain) * of.factor;
      const intercept = (held.scale.intercept / held.scale.gain) * of.factor;
      for (let n = 0; n < out.length; n++) out[n] = out[n]! * slope + intercept;
      return out;
    };
    return [layer(scene.base), layer(scene.overlay)];
  }

  private mipValues(scene: MipScene, step: number): Float32Array | null {
    const frames = this.mips.get(scene.layer.volume);
    if (!frames) return null;
    const { header, values } = frames;
    const frame = frameAt(header, scene.frame * header.degreesPerFrame);
    const { view } = scene;
    const columns = Math.ceil(view.width / step);
    const rows = Math.ceil(view.height / step);
    const start = projectOnFrame(header, frame, toWorld(view, step / 2, step / 2));
    const stride = (view.mmPerPixel * step) / header.spacingMm;
    const out = new Float32Array(columns * rows);
    const { width, height } = header;
    const offset = frame * width * height;
    for (let r = 0, n = 0; r < rows; r++) {
      const y = start.y + r * stride;
      for (let c = 0; c < columns; c++, n++) {
        const x = start.x + c * stride;
        if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) {
          out[n] = Number.NaN;
          continue;
        }
        const xc = Math.min(width - 1, Math.max(0, x));
        const yc = Math.min(height - 1, Math.max(0, y));
        const x0 = Math.floor(xc);
        const y0 = Math.floor(yc);
        const right = x0 < width - 1 ? 1 : 0;
        const below = y0 < height - 1 ? width : 0;
        const o = offset + y0 * width + x0;
        const top = values[o]! + (values[o + right]! - values[o]!) * (xc - x0);
        const bottom = values[o + below]! + (values[o + below + right]! - values[o + below]!) * (xc - x0);
        out[n] = ((top + (bottom - top) * (yc - y0)) * header.slope + header.intercept) * scene.layer.factor;
      }
    }
    return out;
  }

  private colours(scene: Scene, step: number): { columns: number; rows: number; data: Uint8ClampedArray<ArrayBuffer> } {
    const columns = Math.ceil(scene.rect.width / step);
    const rows = Math.ceil(scene.rect.height / step);
    const data = new Uint8ClampedArray(columns * rows * 4).fill(255);
    if (scene.kind === "blank") {
      for (let n = 0; n < columns * rows; n++) data.set(scene.colour, n * 4);
      return { columns, rows, data };
    }
    const [base, overlay] = this.values(scene, step);
    const layer = scene.kind === "mip" ? scene.layer : scene.base;
    const baseTable = this.table(layer);
    const over = scene.kind === "slice" ? scene.overlay : null;
    const overTable = over ? this.table(over) : baseTable;
    for (let n = 0; n < columns * rows; n++) {
      const value = base?.[n] ?? Number.NaN;
      const index = Number.isNaN(value) ? 0 : windowIndex(value, layer.window) * 3;
      const top = over && overlay ? overlay[n]! : Number.NaN;
      // NaN is not >= anything: nothing is laid over where the overlay is not.
      const mixed = over !== null && top >= over.threshold;
      const topIndex = mixed ? windowIndex(top, over.window) * 3 : 0;
      for (let c = 0; c < 3; c++) {
        const below = baseTable[index + c]!;
        data[n * 4 + c] = mixed ? below + (overTable[topIndex + c]! - below) * over.alpha : below;
      }
    }
    return { columns, rows, data };
  }

  private table(layer: Layer): Uint8Array {
    const key = layer.inverted ? `${layer.map}!` : layer.map;
    let table = this.tables.get(key);
    if (!table) {
      table = colourTable(layer.map, layer.inverted);
      this.tables.set(key, table);
    }
    return table;
  }

  dispose(): void {
    this.volumes.clear();
    this.mips.clear();
  }
}
