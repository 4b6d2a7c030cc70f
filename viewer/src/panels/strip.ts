import { formatNumber } from "../core/format";
import type { ExamEntry, Manifest } from "../core/manifest";
import type { SuvHeader } from "../core/volumeHeader";
import { h, icon, replaceChildren, tracerName } from "./dom";
import type { Page } from "./page";
import { popover } from "./popover";
import type { Translate } from "./words";

/** The top line: who, which tracer, how much, and is the SUV to be trusted. */
export function strip(page: Page): HTMLElement {
  const { engine } = page;
  const root = h("header", { class: "hvv-strip" });
  const draw = () => {
    const { manifest } = engine;
    if (manifest) replaceChildren(root, ...contents(page, manifest));
  };
  engine.manifestChanged.listen(draw);
  let shown: SuvHeader | null | undefined;
  engine.library.changed.listen(() => {
    const suv = engine.pair.overlay?.header?.suv;
    if (suv !== shown) {
      shown = suv;
      draw();
    }
  });
  return root;
}

function contents(page: Page, manifest: Manifest): (Node | null)[] {
  const { t, language } = page;
  const { patient, exam, study } = manifest;
  const sex = sexWord(patient.sex, t);
  const item = exam ? (language === "zh" ? exam.itemZh : exam.itemEn || exam.itemZh) : study.description;
  return [
    manifest.reportUrl
      ? h(
          "a",
          { class: "btn is-ghost", href: manifest.reportUrl, title: t("report"), "aria-label": t("report") },
          icon("arrow-back-up"),
          h("span", {}, t("report")),
        )
      : null,
    h("span", { class: "hvv-name" }, patient.name),
    facts([`${sex} ${ageText(patient.age, t("years"))}`.trim(), exam?.number || patient.patientId, item]),
    exam ? administration(page, exam) : h("span", { class: "hv-mut hvv-wide" }, t("noExam")),
    suvChip(page),
    h("span", { class: "hv-spacer" }),
    exam?.stateZh
      ? h(
          "span",
          { class: `hv-state is-lg s-${exam.state}` },
          icon("pencil"),
          h("span", {}, language === "zh" ? exam.stateZh : exam.state),
        )
      : null,
  ];
}

function sexWord(sex: string, t: Translate): string {
  if (sex === "M") return t("male");
  return sex === "F" ? t("female") : sex;
}

function ageText(age: string, years: string): string {
  const dicom = /^0*(\d+)Y$/.exec(age);
  if (dicom) return `${dicom[1]} ${years}`;
  return /^\d+$/.test(age) ? `${age} ${years}` : age;
}

function facts(parts: readonly (string | undefined)[]): HTMLElement {
  const root = h("span", { class: "hv-mut hvv-facts" });
  for (const part of parts) {
    if (!part) continue;
    if (root.hasChildNodes()) root.append(h("i", { class: "hv-sep" }));
    root.append(part);
  }
  return root;
}

function administration({ t }: Page, exam: ExamEntry): HTMLElement {
  const list = h("dl", { class: "hvv-dose" });
  const row = (label: string | Node, value: string | Node, className = "") =>
    list.append(h("div", { class: className }, h("dt", {}, label), h("dd", {}, value)));
  const trefoil = h("span", { class: "hv-trefoil" }, icon("radioactive"));
  if (exam.tracer) row(trefoil, h("b", {}, tracerName(exam.tracer)));
  if (exam.administeredMbq !== null) row(t("administered"), `${formatNumber(exam.administeredMbq, 1)} MBq`);
  const at = exam.administeredAt ? clockTime(exam.administeredAt) : null;
  if (at) row(t("injectedAt"), at, "hvv-wide");
  if (exam.uptakeMin !== null) row(t("uptake"), `${Math.round(exam.uptakeMin)} ${t("minutes")}`);
  if (exam.weightKg !== null) row(t("weight"), `${formatNumber(exam.weightKg, 1)} kg`);
  if (exam.heightCm !== null) row(t("height"), `${formatNumber(exam.heightCm, 0)} cm`, "hvv-wide");
  if (exam.glucoseMmolL !== null) {
    // EANM 2.0 procedure guideline for FDG: above 11 mmol/L reschedule; 7 is the fasting limit a reader wants to notice.
    const tone = exam.glucoseMmolL > 11 ? "hv-red" : exam.glucoseMmolL > 7 ? "hv-amber" : "";
    row(t("glucose"), h("span", { class: tone }, `${formatNumber(exam.glucoseMmolL, 1)} mmol/L`));
  }
  return list;
}

/** The clock time as the server wrote it, in the site's zone; the PC's own zone may be set wrongly. */
function clockTime(iso: string): string | null {
  return /T(\d\d:\d\d(?::\d\d)?)/.exec(iso)?.[1] ?? null;
}

function suvChip(page: Page): HTMLElement | null {
  const { engine, t, language } = page;
  const overlay = engine.pair.overlay;
  const header = overlay?.header;
  if (header?.modality !== "PT") return null;
  const { suv } = header;
  const refused = !suv || suv.refused !== null || suv.bwFactor === null;
  const warning = suv?.warnings[0]?.[language];
  const tone = refused ? "s-red" : warning ? "s-amber" : "s-audited";
  const reason = suv?.refusedText[language] || suv?.refused || "";
  const text = refused
    ? `${t("suvRefused")}${reason ? `：${reason}` : ""}`
    : warning
      ? `${t("suvCheck")}：${warning}`
      : t("suvValid");
  const chip = h(
    "button",
    { type: "button", class: `hv-state is-lg hvv-chip ${tone}`, title: text, "aria-haspopup": "dialog" },
    icon(refused ? "ban" : warning ? "alert-triangle" : "shield-check"),
    h("span", {}, text),
  );
  popover(chip, () => suvDetails(page, suv, refused));
  return chip;
}

function suvDetails({ t, engine, language }: Page, suv: SuvHeader | null, refused: boolean): HTMLElement {
  const list = h("dl", { class: "hvv-details" });
  const row = (label: string, value: string | null) => {
    if (value) list.append(h("dt", {}, label), h("dd", { class: "hv-num" }, value));
  };
  row(t("weight"), suv?.weightKg != null ? `${formatNumber(suv.weightKg, 1)} kg` : null);
  row(t("suvDose"), suv?.doseBq != null ? `${formatNumber(suv.doseBq / 1e6, 2)} MBq` : null);
  row(t("suvHalfLife"), suv?.halfLifeS != null ? `${formatNumber(suv.halfLifeS, 1)} ${t("seconds")}` : null);
  row(t("suvDecay"), suv?.decayS != null ? `${formatNumber(suv.decayS, 0)} ${t("seconds")}` : null);
  row(
    t("suvFactor"),
    suv?.bwFactor != null ? `${suv.bwFactor.toExponential(5)} / ${engine.pair.overlay?.scale?.rawUnits}` : null,
  );
  row(t("suvMethod"), suv?.method ?? null);
  row(t("suvVersion"), suv?.version ?? null);
  const sentences = suv ? [suv.refusedText, ...suv.warnings] : [];
  return h(
    "div",
    { class: "hvv-explain" },
    h("h2", {}, t("suvWhy")),
    refused && h("p", {}, t("suvExplainRefused")),
    ...sentences.map((text) => (text[language] ? h("p", { class: "hv-amber" }, text[language]) : null)),
    list,
  );
}
