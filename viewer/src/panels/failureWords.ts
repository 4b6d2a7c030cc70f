import type { SeriesEntry } from "../core/manifest";
import type { Failure } from "../engine/loadedSeries";
import type { Page } from "./page";

/** A sentence for the reader, and the detail as the log has it, for whoever is asked why. */
export function failureWords(
  { t, language }: Page,
  { volume }: SeriesEntry,
  { reason, detail }: Failure,
): { words: string; detail: string } {
  const refusal = reason === "preparing" && (language === "zh" ? volume?.messageZh : volume?.messageEn);
  return { words: refusal || t(reason), detail };
}
