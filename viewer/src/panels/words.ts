/** Every word the viewer shows, Chinese and English. */
const WORDS = {
  // strip
  report: ["报告", "Report"],
  administered: ["实注", "Admin."],
  injectedAt: ["注射", "Injected"],
  uptake: ["摄取", "Uptake"],
  minutes: ["分", "min"],
  weight: ["体重", "Weight"],
  height: ["身高", "Height"],
  glucose: ["血糖", "Glucose"],
  male: ["男", "M"],
  female: ["女", "F"],
  years: ["岁", "y"],
  noExam: ["未关联检查", "No exam linked"],
  suvValid: ["SUVbw 有效", "SUVbw valid"],
  suvCheck: ["SUVbw 待核", "SUVbw: check"],
  suvRefused: ["不显示 SUV", "No SUV"],
  suvNone: ["无 SUV", "No SUV"],
  suvWhy: ["SUV 依据", "What SUV rests on"],
  suvExplainRefused: [
    "图像头信息不足以得出可信的 SUV，故按原始单位显示，避免误读。补全后由服务器重算。",
    "The header does not support a SUV that can be trusted, so the original units are shown. The server recomputes once it is complete.",
  ],
  suvMethod: ["方法", "Method"],
  suvVersion: ["版本", "Version"],
  suvDose: ["注射活度", "Injected"],
  suvHalfLife: ["半衰期", "Half-life"],
  suvDecay: ["衰变时间", "Decay time"],
  suvFactor: ["换算系数", "Factor"],
  seconds: ["秒", "s"],

  // toolbar
  tools: ["阅片工具", "Viewer tools"],
  layout: ["布局", "Layout"],
  crosshair: ["定位", "Crosshair"],
  window: ["调窗", "Window"],
  pan: ["平移", "Pan"],
  zoom: ["缩放", "Zoom"],
  length: ["长度", "Length"],
  ellipse: ["椭圆 ROI", "Ellipse ROI"],
  petUpper: ["PET 上限", "PET upper"],
  ctWindow: ["CT 窗", "CT window"],
  colours: ["色表", "Colours"],
  invert: ["反色", "Invert"],
  reset: ["复位", "Reset"],
  keyImage: ["关键图像", "Key image"],
  notMonotone: ["亮度不单调：不宜据此判断病灶大小", "Brightness is not monotone: do not judge lesion size by it"],
  mapPet: ["PET 与 MIP", "PET and MIP"],
  mapFused: ["融合", "Fused"],
  mapBase: ["底图", "Base"],
  sidePanel: ["侧栏", "Side panel"],

  // planes and contents
  axial: ["横断", "Axial"],
  coronal: ["冠状", "Coronal"],
  sagittal: ["矢状", "Sagittal"],
  fused: ["融合", "Fused"],
  mip: ["MIP", "MIP"],
  front: ["前位", "Anterior"],
  back: ["后位", "Posterior"],
  leftSide: ["左侧位", "Left lateral"],
  rightSide: ["右侧位", "Right lateral"],
  oblique: ["斜位", "Oblique"],
  slab: ["层厚", "Slab"],
  play: ["转动", "Play"],
  stop: ["停止", "Stop"],
  backward: ["反向", "Backward"],
  frames: ["帧", "frames"],
  perSecond: ["帧/秒", "fps"],
  preview: ["预览", "Preview"],

  // states of loading
  loading: ["载入", "Loading"],
  preparingVolume: ["服务器正在准备图像", "The server is preparing the images"],
  waitingVolume: ["等待载入", "Waiting"],
  noVolume: ["该序列没有可显示的体数据", "This series has no volume to show"],
  noSeries: ["本检查没有可显示的图像", "This study has no images to show"],
  noSeriesWhat: [
    "图像到达并整理好后会自动出现；也可返回列表查看归档状态。",
    "Images appear here once they have arrived and been prepared.",
  ],
  retry: ["重试", "Retry"],
  frameDiffers: ["坐标系不同，未融合", "Other frame of reference: not fused"],
  frameDiffersWhat: [
    "两个序列不在同一坐标系，叠加会错位。请先配准，或分别查看。",
    "The two series lie in different frames of reference. Register them first, or read them side by side.",
  ],
  unreachable: [
    "连不上服务器。已显示的图像仍可看；网络恢复后请重试。",
    "The server cannot be reached. What is shown stays; try again when the network is back.",
  ],
  "signed-out": ["登录已失效。请重新登录后刷新本页。", "You are signed out. Sign in again and reload."],
  forbidden: ["您没有查看这些图像的权限。", "You may not see these images."],
  missing: ["图像不在服务器上，可能正在重新整理。请稍后重试。", "The images are not on the server. Try again shortly."],
  server: [
    "服务器处理出错。请重试；仍不行请告知管理员。",
    "The server failed. Try again; if it lasts, tell the administrator.",
  ],
  damaged: [
    "图像数据传输中损坏，已拒绝显示。请重试。",
    "The data were damaged on the way and are not shown. Try again.",
  ],
  format: [
    "服务器给出的数据本阅片器读不懂，请告知管理员。",
    "The viewer cannot read what the server sent. Tell the administrator.",
  ],
  preparing: ["图像整理失败。", "Preparing the images failed."],

  // side panel
  measurements: ["测量", "Measure"],
  series: ["序列", "Series"],
  priors: ["既往", "Priors"],
  roi: ["编号", "No."],
  mean: ["均值", "mean"],
  area: ["面积", "Area"],
  noMeasurements: ["尚无测量", "No measurements yet"],
  noMeasurementsWhat: ["按 E 在图上拖出椭圆，按 L 量长度。", "Press E and drag an ellipse, L for a length."],
  byServer: ["服务器", "server"],
  byViewer: ["预览", "preview"],
  asking: ["核算中", "computing"],
  askFailed: ["服务器未答复，数值为预览", "No answer: preview value"],
  remove: ["删除", "Delete"],
  undo: ["撤销", "Undo"],
  redo: ["重做", "Redo"],
  voxels: ["体素", "voxels"],
  asBase: ["作底图", "Use as base"],
  asOverlay: ["作叠加", "Use as overlay"],
  baseShort: ["底", "B"],
  overlayShort: ["叠", "O"],
  images: ["幅", "images"],
  noPriors: ["没有其他检查", "No other studies"],
  openPrior: ["打开", "Open"],
  fusion: ["融合", "Fusion"],
  mix: ["融合比例", "Mix"],
  threshold: ["PET 透明线", "Threshold"],
  slabMax: ["最大", "max"],
  slabMean: ["平均", "mean"],
  keyImages: ["关键图像", "Key images"],
  noKeyImages: ["按 K 把当前画面存为关键图像", "Press K to keep the present view"],
  captured: ["已存为关键图像", "Key image kept"],
  captureFailed: ["关键图像没有存上。", "The key image was not kept."],
  captureForbidden: ["您没有保存关键图像的权限", "You may not keep key images"],
  removed: ["已删除", "Deleted"],
  removeFailed: ["没有删掉。", "Not deleted."],
  shortcuts: ["快捷键", "Keys"],
  keyBlink: ["按住看 CT", "hold: CT only"],
  keyMix: ["融合比例", "mix"],
  keySpin: ["MIP 转动", "MIP spin"],
  keyStep: ["翻层", "slices"],
  keyCross: ["定位线", "cross lines"],
  keyDouble: ["双击", "Double click"],
  keySingle: ["单幅放大", "one cell"],
  keyWindow: ["右键拖", "Right drag"],
  keyPan: ["空格拖", "Space drag"],

  // status bar
  cursor: ["光标", "Cursor"],
  displayOnly: ["仅改变显示，不改像素值", "Display only; pixel values stay"],
  drawnBy: ["绘制", "Drawn by"],
  cpuBecause: ["显卡不可用，改用 CPU 绘制", "Graphics unusable: drawn by the processor"],
  viewer: ["阅片器", "Viewer"],
  cell: ["图像", "Image"],
} as const satisfies Record<string, readonly [string, string]>;

export type Word = keyof typeof WORDS;
export type Language = "zh" | "en";
export type Translate = (word: Word) => string;

/** Chinese unless the language tag says English. */
export function languageOf(tag: string | null): Language {
  return tag?.toLowerCase().startsWith("en") ? "en" : "zh";
}

export function translator(language: Language): Translate {
  const column = language === "zh" ? 0 : 1;
  return (word) => WORDS[word][column];
}
