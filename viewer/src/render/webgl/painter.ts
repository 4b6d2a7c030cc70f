import { mipPlane } from "../../core/planes";
import type { SliceView } from "../../core/sliceView";
import { scale } from "../../core/vec3";
import type { Layer, MipScene, Scene, SliceScene } from "../scene";
import { Program } from "./program";
import { MIP, SLICE } from "./shaders";
import { MapTexture, type MipTexture, type VolumeTexture } from "./textures";

export interface Holdings {
  volume(key: string): VolumeTexture | undefined;
  mip(key: string): MipTexture | undefined;
}

/** Draws scenes into whatever is bound, inside the current viewport. */
export class Painter {
  private readonly programs = new Map<string, Program>();
  private readonly maps: MapTexture;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly holdings: Holdings,
  ) {
    this.maps = new MapTexture(gl);
    gl.disable(gl.DITHER);
    gl.disable(gl.BLEND);
    // Drawing needs no vertices, but an array object has to be bound.
    gl.bindVertexArray(gl.createVertexArray());
  }

  paint(scene: Scene, raw: boolean): void {
    if (scene.kind === "slice") this.paintSlice(scene, raw);
    else if (scene.kind === "mip") this.paintMip(scene, raw);
    else this.clear(scene.colour);
  }

  private program(source: string, name: string, defines: readonly string[]): Program {
    const key = [name, ...defines].join(" ");
    let program = this.programs.get(key);
    if (!program) {
      program = new Program(this.gl, source, defines);
      this.programs.set(key, program);
    }
    program.use();
    this.maps.bind();
    program.int("uMaps", 2);
    return program;
  }

  private paintSlice(scene: SliceScene, raw: boolean): void {
    const base = this.holdings.volume(scene.base.volume);
    const over = scene.overlay ? this.holdings.volume(scene.overlay.volume) : undefined;
    if (!base) {
      this.clear([0, 0, 0]);
      return;
    }
    const defines: string[] = [];
    if (over) defines.push("OVERLAY");
    if (scene.slab) defines.push("SLAB");
    if (raw) defines.push("RAW");
    const program = this.program(SLICE, "slice", defines);
    this.setView(program, scene.view);
    this.setVolume(program, "Base", 0, base, scene.base);
    if (over && scene.overlay) {
      this.setVolume(program, "Overlay", 1, over, scene.overlay);
      program.float("uAlpha", scene.overlay.alpha);
      program.float("uThreshold", scene.overlay.threshold);
    }
    if (scene.slab) {
      program.vec3("uStep", scale(scene.view.forward, scene.slab.stepMm));
      program.int("uSamples", scene.slab.samples);
      program.int("uMean", scene.slab.mode === "mean" ? 1 : 0);
    }
    this.gl.drawArrays(this.gl.TRIANGLES, 0, 3);
  }

  private paintMip(scene: MipScene, raw: boolean): void {
    const { gl } = this;
    const mip = this.holdings.mip(scene.layer.volume);
    if (!mip) {
      this.clear([0, 0, 0]);
      return;
    }
    const { header } = mip.frames;
    const program = this.program(MIP, "mip", raw ? ["RAW"] : []);
    this.setView(program, scene.view);
    const plane = mipPlane(scene.frame * header.degreesPerFrame);
    program.vec3("uMipCentre", header.centre);
    program.vec3("uMipRight", plane.right);
    program.vec3("uMipDown", plane.down);
    program.vec2("uMipSize", [header.width, header.height]);
    program.float("uMipSpacing", header.spacingMm);
    program.float("uFrame", scene.frame);
    program.float("uBaseScale", mip.perTexel * scene.layer.factor);
    program.vec2("uBaseWindow", scene.layer.window);
    program.int("uBaseMap", this.maps.row(scene.layer.map, scene.layer.inverted));
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, mip.texture);
    program.int("uFrames", 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  private setView(program: Program, view: SliceView): void {
    program.vec3("uCentre", view.centre);
    program.vec3("uRight", scale(view.right, (view.width * view.mmPerPixel) / 2));
    program.vec3("uDown", scale(view.down, (view.height * view.mmPerPixel) / 2));
  }

  private setVolume(program: Program, name: string, unit: 0 | 1, volume: VolumeTexture, layer: Layer): void {
    const { gl } = this;
    program.int(`u${name}Map`, this.maps.row(layer.map, layer.inverted));
    gl.activeTexture(unit === 0 ? gl.TEXTURE0 : gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_3D, volume.texture);
    program.int(`u${name}`, unit);
    program.mat4(`u${name}ToTexture`, volume.worldToTexture);
    program.float(`u${name}Scale`, volume.perTexel * layer.factor);
    program.vec2(`u${name}Window`, layer.window);
  }

  private clear([r, g, b]: readonly [number, number, number]): void {
    this.gl.clearColor(r / 255, g / 255, b / 255, 1);
    this.gl.clear(this.gl.COLOR_BUFFER_BIT);
  }
}
