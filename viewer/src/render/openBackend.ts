import type { Backend } from "./backend";
import { CpuBackend } from "./cpu/cpuBackend";
import { selfTest } from "./selfTest";
import { WebglBackend } from "./webgl/webglBackend";

/** "auto" takes WebGL2 when it passes its test. */
export type BackendChoice = "auto" | "webgl2" | "cpu";

export interface Opened {
  readonly backend: Backend;
  /** Why not WebGL2, for the status line; null when it draws, or was not asked for. */
  readonly fallback: string | null;
}

/** `newCanvas` is called once or twice: a canvas that has had one kind of context cannot get another. */
export function openBackend(choice: BackendChoice, newCanvas: () => HTMLCanvasElement): Opened {
  if (choice === "cpu") return { backend: new CpuBackend(newCanvas()), fallback: null };
  const webgl = WebglBackend.open(newCanvas());
  const fault = webgl ? selfTest(webgl) : "no WebGL2";
  if (webgl && fault === null) return { backend: webgl, fallback: null };
  webgl?.dispose();
  return { backend: new CpuBackend(newCanvas()), fallback: fault };
}
