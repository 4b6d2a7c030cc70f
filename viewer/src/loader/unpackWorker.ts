import { DamagedError, type UnpackRequest, unpack } from "./unpack";

export interface WorkerAnswer {
  readonly id: number;
  readonly stored?: Int16Array<ArrayBuffer>;
  readonly texels?: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | null;
  readonly damaged?: boolean;
  readonly error?: string;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ id: number; request: UnpackRequest }>) => void;
  postMessage(answer: WorkerAnswer, transfer: Transferable[]): void;
};

scope.onmessage = async ({ data: { id, request } }) => {
  try {
    const { stored, texels } = await unpack(request);
    const transfer: Transferable[] = [stored.buffer];
    if (texels) transfer.push(texels.buffer);
    scope.postMessage({ id, stored, texels }, transfer);
  } catch (error) {
    scope.postMessage({ id, damaged: error instanceof DamagedError, error: String(error) }, []);
  }
};
