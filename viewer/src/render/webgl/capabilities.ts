/** What this graphics can do, found out once. */
export interface Capabilities {
  readonly renderer: string;
  /** The processor draws: every pixel is dear, and float textures are quicker than half floats. */
  readonly software: boolean;
  readonly floatLinear: boolean;
  readonly floatTarget: boolean;
  readonly max3dSize: number;
  readonly maxLayers: number;
}

export function capabilities(gl: WebGL2RenderingContext): Capabilities {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  return {
    renderer,
    software: /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer),
    floatLinear: gl.getExtension("OES_texture_float_linear") !== null,
    floatTarget: gl.getExtension("EXT_color_buffer_float") !== null,
    max3dSize: gl.getParameter(gl.MAX_3D_TEXTURE_SIZE) as number,
    maxLayers: gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS) as number,
  };
}

const ATTRIBUTES: WebGLContextAttributes = {
  alpha: false,
  antialias: false,
  depth: false,
  stencil: false,
  // Cells are redrawn one by one; the rest of the canvas has to stay.
  preserveDrawingBuffer: true,
  powerPreference: "high-performance",
};

export function openContext(canvas: HTMLCanvasElement): WebGL2RenderingContext | null {
  return canvas.getContext("webgl2", ATTRIBUTES);
}
