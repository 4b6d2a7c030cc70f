import type { MipFrames } from "../../core/mipFrames";
import type { Texels } from "../../core/texels";
import type { Vec3 } from "../../core/vec3";
import type { Backend, Pixels, RawPicture, Upload, VolumeShape } from "../backend";
import type { Cross, MipScene, Rect, Scene, SliceScene } from "../scene";
import { type Capabilities, capabilities, openContext } from "./capabilities";
import { Painter } from "./painter";
import { type FloatFormat, MipTexture, VolumeTexture } from "./textures";

const GONE_AFTER_MS = 8000;

/** All cells on one canvas in one context; a cell is a scissor rectangle. */
export class WebglBackend implements Backend {
  readonly kind = "webgl2";
  readonly texelFormat: FloatFormat;
  readonly capabilities: Capabilities;
  onRestored: (() => void) | null = null;
  onGone: (() => void) | null = null;
  private volumes = new Map<string, VolumeTexture>();
  private mips = new Map<string, MipTexture>();
  private painter: Painter;
  private waitForRestore = 0;

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    format: FloatFormat | null,
  ) {
    this.capabilities = capabilities(gl);
    const { software, floatLinear } = this.capabilities;
    // Half floats are exact for HU to 2048 and 0.05 % for SUV, and every WebGL2 filters them. Where the processor draws, floats are quicker.
    this.texelFormat = format ?? (software && floatLinear ? "float" : "half");
    this.painter = this.newPainter();
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.restored);
  }

  /** Null when the browser has no WebGL2. */
  static open(canvas: HTMLCanvasElement, format: FloatFormat | null = null): WebglBackend | null {
    const gl = openContext(canvas);
    return gl ? new WebglBackend(canvas, gl, format) : null;
  }

  get pixelBudget(): number {
    return this.capabilities.software ? 2_500_000 : Number.POSITIVE_INFINITY;
  }

  get description(): string {
    return `WebGL2 ${this.texelFormat === "half" ? "R16F" : "R32F"}`;
  }

  private newPainter(): Painter {
    // The extensions have to be asked for again after a loss.
    capabilities(this.gl);
    return new Painter(this.gl, { volume: (key) => this.volumes.get(key), mip: (key) => this.mips.get(key) });
  }

  private readonly lost = (event: Event) => {
    event.preventDefault();
    this.volumes = new Map();
    this.mips = new Map();
    this.waitForRestore = window.setTimeout(() => this.onGone?.(), GONE_AFTER_MS);
  };

  private readonly restored = () => {
    window.clearTimeout(this.waitForRestore);
    this.painter = this.newPainter();
    this.onRestored?.();
  };

  resize(width: number, height: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clearColor(0.15, 0.15, 0.15, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  fits(shape: Vec3): boolean {
    return shape.every((n) => n <= this.capabilities.max3dSize);
  }

  begin(key: string, volume: VolumeShape): Upload {
    const texture = new VolumeTexture(this.gl, this.texelFormat, volume);
    return {
      slices: (k0: number, count: number, texels: Texels | null) => {
        if (texels && !this.gl.isContextLost()) texture.slices(k0, count, texels);
      },
      finish: () => {
        if (this.gl.isContextLost()) return;
        this.volumes.get(key)?.delete();
        this.volumes.set(key, texture);
      },
      abort: () => texture.delete(),
    };
  }

  putMip(key: string, frames: MipFrames): void {
    if (frames.header.frames > this.capabilities.maxLayers || this.gl.isContextLost()) return;
    this.mips.get(key)?.delete();
    this.mips.set(key, new MipTexture(this.gl, this.texelFormat, frames));
  }

  has(key: string): boolean {
    return this.volumes.has(key);
  }

  drop(key: string): void {
    this.volumes.get(key)?.delete();
    this.volumes.delete(key);
    this.mips.get(key)?.delete();
    this.mips.delete(key);
  }

  draw(scenes: readonly Scene[]): void {
    const { gl } = this;
    if (gl.isContextLost()) return;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.enable(gl.SCISSOR_TEST);
    for (const scene of scenes) {
      this.select(scene.rect);
      this.painter.paint(scene, false);
      if (scene.cross) this.drawCross(scene.rect, scene.cross);
    }
    gl.disable(gl.SCISSOR_TEST);
  }

  private select(rect: Rect): void {
    const y = this.canvas.height - rect.y - rect.height;
    this.gl.viewport(rect.x, y, rect.width, rect.height);
    this.gl.scissor(rect.x, y, rect.width, rect.height);
  }

  /** Lines as cleared rectangles: no shader, and no overlay element that the browser would have to compose anew. */
  private drawCross(rect: Rect, cross: Cross): void {
    const { gl } = this;
    const [r, g, b] = cross.colour;
    gl.clearColor(r / 255, g / 255, b / 255, 1);
    const x = Math.floor(cross.x - cross.thickness / 2 + 0.5);
    const y = Math.floor(cross.y - cross.thickness / 2 + 0.5);
    const fill = (left: number, top: number, right: number, bottom: number) => {
      const x0 = Math.max(0, left);
      const y0 = Math.max(0, top);
      const x1 = Math.min(rect.width, right);
      const y1 = Math.min(rect.height, bottom);
      if (x1 <= x0 || y1 <= y0) return;
      gl.scissor(rect.x + x0, this.canvas.height - rect.y - y1, x1 - x0, y1 - y0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    };
    fill(0, y, x - cross.gap, y + cross.thickness);
    fill(x + cross.gap, y, rect.width, y + cross.thickness);
    fill(x, 0, x + cross.thickness, y - cross.gap);
    fill(x, y + cross.gap, x + cross.thickness, rect.height);
  }

  raw(scene: SliceScene | MipScene): RawPicture {
    const { width, height } = scene.rect;
    const data = new Float32Array(width * height * 4);
    if (!this.capabilities.floatTarget) throw new Error("this graphics has no float targets");
    this.offScreen(width, height, this.gl.RGBA32F, () => {
      this.painter.paint(scene, true);
      this.gl.readPixels(0, 0, width, height, this.gl.RGBA, this.gl.FLOAT, data);
    });
    return { width, height, data: flipped(data, width) };
  }

  pixels(scene: Scene): Pixels {
    const { width, height } = scene.rect;
    const data = new Uint8Array(width * height * 4);
    this.offScreen(width, height, this.gl.RGBA8, () => {
      this.painter.paint(scene, false);
      this.gl.readPixels(0, 0, width, height, this.gl.RGBA, this.gl.UNSIGNED_BYTE, data);
    });
    return { width, height, data: new Uint8ClampedArray(flipped(data, width).buffer) };
  }

  private offScreen(width: number, height: number, format: number, work: () => void): void {
    const { gl } = this;
    const target = gl.createFramebuffer();
    const store = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, store);
    gl.renderbufferStorage(gl.RENDERBUFFER, format, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, store);
    gl.viewport(0, 0, width, height);
    work();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(target);
    gl.deleteRenderbuffer(store);
  }

  dispose(): void {
    window.clearTimeout(this.waitForRestore);
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.restored);
    for (const key of [...this.volumes.keys(), ...this.mips.keys()]) this.drop(key);
    // Browsers allow few contexts: give this one back now, not when memory is next swept.
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** Rows from the bottom, as WebGL reads them, to rows from the top. */
function flipped<T extends Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(data: T, width: number): T {
  const row = width * 4;
  const out = data.slice() as T;
  for (let start = 0; start < data.length; start += row)
    out.set(data.subarray(start, start + row), data.length - start - row);
  return out;
}
