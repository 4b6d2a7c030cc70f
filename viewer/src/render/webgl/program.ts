import { VERTEX } from "./shaders";

/** A compiled shader pair with its uniforms set by name; names a variant does not use are ignored. */
export class Program {
  private readonly program: WebGLProgram;
  private readonly locations = new Map<string, WebGLUniformLocation | null>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    fragment: string,
    defines: readonly string[],
  ) {
    const head = `#version 300 es\n${defines.map((name) => `#define ${name}\n`).join("")}`;
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, head + fragment],
    ] as const) {
      const shader = gl.createShader(kind) as WebGLShader;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
        throw new Error(`shader: ${gl.getShaderInfoLog(shader)}`);
      }
      gl.attachShader(program, shader);
      gl.deleteShader(shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`program: ${gl.getProgramInfoLog(program)}`);
    }
    this.program = program;
  }

  use(): void {
    this.gl.useProgram(this.program);
  }

  private at(name: string): WebGLUniformLocation | null {
    let location = this.locations.get(name);
    if (location === undefined) {
      location = this.gl.getUniformLocation(this.program, name);
      this.locations.set(name, location);
    }
    return location;
  }

  int(name: string, value: number): void {
    this.gl.uniform1i(this.at(name), value);
  }

  float(name: string, value: number): void {
    this.gl.uniform1f(this.at(name), value);
  }

  vec2(name: string, [x, y]: readonly [number, number]): void {
    this.gl.uniform2f(this.at(name), x, y);
  }

  vec3(name: string, [x, y, z]: readonly [number, number, number]): void {
    this.gl.uniform3f(this.at(name), x, y, z);
  }

  mat4(name: string, columnMajor: Float32Array): void {
    this.gl.uniformMatrix4fv(this.at(name), false, columnMajor);
  }
}
