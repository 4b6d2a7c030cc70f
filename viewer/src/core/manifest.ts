import { Fields } from "./fields";

export type SeriesRole = "CT" | "PET" | "PET_NAC" | "MR" | "NM" | "OTHER";
const ROLES: readonly string[] = ["CT", "PET", "PET_NAC", "MR", "NM", "OTHER"];

export interface VolumeState {
  readonly status: "ready" | "preparing" | "failed";
  readonly headerUrl: string | null;
  readonly progress: number;
  /** Why preparing failed, as sentences; empty unless it did. */
  readonly messageZh: string;
  readonly messageEn: string;
  /** The same as the log has it. */
  readonly detail: string;
}

export interface SeriesEntry {
  readonly uid: string;
  readonly modality: string;
  readonly number: string;
  readonly description: string;
  readonly instances: number;
  readonly role: SeriesRole;
  readonly volume: VolumeState | null;
}

export interface ExamEntry {
  readonly number: string;
  readonly itemZh: string;
  readonly itemEn: string;
  readonly tracer: string;
  readonly administeredMbq: number | null;
  readonly administeredAt: string | null;
  readonly weightKg: number | null;
  readonly heightCm: number | null;
  readonly glucoseMmolL: number | null;
  readonly uptakeMin: number | null;
  readonly state: string;
  readonly stateZh: string;
}

export interface StudyEntry {
  readonly uid: string;
  readonly date: string;
  readonly description: string;
}

export interface Manifest {
  readonly study: StudyEntry;
  readonly patient: { readonly name: string; readonly sex: string; readonly age: string; readonly patientId: string };
  readonly exam: ExamEntry | null;
  readonly reportUrl: string | null;
  readonly canCapture: boolean;
  readonly keyImagesUrl: string;
  readonly measureUrl: string;
  readonly series: readonly SeriesEntry[];
  /** Series to open with: base (CT, MR) and overlay (PET, SPECT). */
  readonly suggested: { readonly base: string | null; readonly overlay: string | null };
  readonly otherStudies: readonly StudyEntry[];
}

/** Reads `manifest.json` of a study. Throws FormatError naming the field that is wrong. */
export function parseManifest(json: unknown): Manifest {
  const manifest = new Fields(json, "manifest");
  const patient = manifest.object("patient");
  const exam = manifest.optionalObject("exam");
  const series = manifest.objects("series").map(parseSeries);
  return {
    study: parseStudy(manifest.object("study")),
    patient: {
      name: patient.text("name", ""),
      sex: patient.text("sex", ""),
      age: patient.text("age", ""),
      patientId: patient.text("patient_id", ""),
    },
    exam: exam && parseExam(exam),
    reportUrl: manifest.optionalText("report_url"),
    canCapture: manifest.flag("can_capture"),
    keyImagesUrl: manifest.text("key_images_url", ""),
    measureUrl: manifest.text("measure_url", ""),
    series,
    suggested: suggest(manifest.optionalObject("suggested"), series),
    otherStudies: manifest.objects("other_studies").map(parseStudy),
  };
}

function parseStudy(study: Fields): StudyEntry {
  return { uid: study.text("uid"), date: study.text("date", ""), description: study.text("description", "") };
}

function parseSeries(series: Fields): SeriesEntry {
  const role = series.text("role", "OTHER");
  const volume = series.optionalObject("volume");
  const status = volume?.text("status");
  return {
    uid: series.text("uid"),
    modality: series.text("modality", ""),
    number: series.text("number", ""),
    description: series.text("description", ""),
    instances: series.number("instances", 0),
    role: (ROLES.includes(role) ? role : "OTHER") as SeriesRole,
    volume: volume && {
      status: status === "ready" || status === "failed" ? status : "preparing",
      headerUrl: volume.optionalText("header_url"),
      progress: volume.optionalNumber("progress") ?? 0,
      messageZh: volume.text("message_zh", ""),
      messageEn: volume.text("message_en", ""),
      detail: volume.text("detail", ""),
    },
  };
}

function parseExam(exam: Fields): ExamEntry {
  return {
    number: exam.text("number", ""),
    itemZh: exam.text("item_zh", ""),
    itemEn: exam.text("item_en", ""),
    tracer: exam.text("tracer", ""),
    administeredMbq: exam.optionalNumber("administered_mbq"),
    administeredAt: exam.optionalText("administered_at"),
    weightKg: exam.optionalNumber("weight_kg"),
    heightCm: exam.optionalNumber("height_cm"),
    glucoseMmolL: exam.optionalNumber("glucose_mmol_l"),
    uptakeMin: exam.optionalNumber("uptake_min"),
    state: exam.text("state", ""),
    stateZh: exam.text("state_zh", ""),
  };
}

/** The server's choice; where it made none, the first series of a fitting role that can be shown. */
function suggest(
  suggested: Fields | null,
  series: readonly SeriesEntry[],
): { base: string | null; overlay: string | null } {
  const known = (uid: string | null | undefined) => (uid && series.some((s) => s.uid === uid) ? uid : null);
  const first = (...roles: SeriesRole[]) => {
    for (const role of roles) {
      const found = series.find((s) => s.role === role && s.volume !== null && s.volume.status !== "failed");
      if (found) return found.uid;
    }
    return null;
  };
  const overlay = known(suggested?.optionalText("overlay")) ?? first("PET", "PET_NAC", "NM");
  const base = known(suggested?.optionalText("base")) ?? first("CT", "MR") ?? (overlay ? null : first("OTHER"));
  return { base, overlay };
}
