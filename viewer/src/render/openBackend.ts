import type { Backend } from "./backend";
import { CpuBackend } from "./cpu/cpuBackend";
import { selfTest } from "./selfTest";
import { WebglBackend } from "./webgl/webglBackend";

/** "auto" takes WebGL2 when it passes its test; "webgl2-half" keeps half floats even where the processor draws, as graphics cards do. */
export const BACKEND_CHOICES = ["auto", "webgl2", "webgl2-half", "cpu"] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export interface Opened {
  readonly backend: Backend;
  /** Why not WebGL2, for the status line; null when it draws, or was not asked for. */
  readonly fallback: string | null;
}

/** `newCanvas` is called once or twice: a canvas that has had one kind of context cannot get another. */
export function openBackend(choice: BackendChoice, newCanvas: () => HTMLCanvasElement): Opened {
  if (choice === "cpu") return { backend: new CpuBackend(newCanvas()), fallback: null };
  const webgl = WebglBackend.open(newCanvas(), choice === "webgl2-half" ? "half" : null);
  const fault = webgl ? selfTest(webgl) : "no WebGL2";
  if (webgl && fault === null) return { backend: webgl, fallback: null };
  webgl?.dispose();
  return { backend: new CpuBackend(newCanvas()), fallback: fault };
}
