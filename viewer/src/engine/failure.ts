import { FormatError } from "../core/fields";
import { FetchError } from "../loader/request";
import { DamagedError } from "../loader/unpack";
import type { Failure } from "./loadedSeries";

export function failureOf(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof DamagedError) return { reason: "damaged", detail };
  if (error instanceof FormatError || error instanceof SyntaxError) return { reason: "format", detail };
  if (!(error instanceof FetchError)) return { reason: "server", detail };
  return { reason: reasonOf(error), detail: error.sentence || detail };
}

function reasonOf(error: FetchError): Failure["reason"] {
  if (error.status === 0) return "unreachable";
  if (error.status === 401) return "signed-out";
  if (error.status === 403) return "forbidden";
  if (error.status === 404 || error.status === 410) return "missing";
  return "server";
}
