/**
 * Copies the third-party files that pages load into foundation.ui's static folder, so that no page needs the internet.
 * Run by `npm run build`. The target is made anew each time and is not committed.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const modules = join(root, "node_modules");
const target = join(root, "src/hevesy/foundation/ui/static/vendor");

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

/** Copy a text file without its source map reference: a manifest storage would look for the missing map and fail. */
function copyText(from, to) {
  const text = readFileSync(join(modules, from), "utf8");
  writeFileSync(join(target, to), text.replace(/\/\*# sourceMappingURL=.*?\*\/|\/\/# sourceMappingURL=.*$/gm, ""));
}

copyText("@tabler/core/dist/css/tabler.min.css", "tabler.min.css");
copyText("@tabler/core/dist/js/tabler.min.js", "tabler.min.js");
copyText("htmx.org/dist/htmx.min.js", "htmx.min.js");
copyText("htmx-ext-sse/sse.js", "sse.js");

// The tokens name the family "Noto Sans SC"; the package calls its variable cut "Noto Sans SC Variable".
const font = readFileSync(join(modules, "@fontsource-variable/noto-sans-sc/index.css"), "utf8");
writeFileSync(join(target, "noto-sans-sc.css"), font.replaceAll("'Noto Sans SC Variable'", "'Noto Sans SC'"));
cpSync(join(modules, "@fontsource-variable/noto-sans-sc/files"), join(target, "files"), { recursive: true });

const outline = JSON.parse(readFileSync(join(modules, "@tabler/icons/tabler-nodes-outline.json"), "utf8"));
const names = readFileSync(join(here, "icons.txt"), "utf8")
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line && !line.startsWith("#"));
const unknown = names.filter((name) => !outline[name]);
if (unknown.length) {
  console.error(`viewer/icons.txt names icons that Tabler does not have: ${unknown.join(", ")}`);
  process.exit(1);
}
const symbols = names.map((name) => {
  const shapes = outline[name].map(([tag, attributes]) => {
    const pairs = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`);
    return `<${tag} ${pairs.join(" ")}/>`;
  });
  return `<symbol id="tabler-${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${shapes.join("")}</symbol>`;
});
writeFileSync(
  join(target, "tabler-icons.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`,
);

const licences = {
  "tabler-icons": "@tabler/icons/LICENSE",
  "noto-sans-sc": "@fontsource-variable/noto-sans-sc/LICENSE",
  htmx: "htmx.org/LICENSE",
  "htmx-ext-sse": "htmx-ext-sse/LICENSE",
};
mkdirSync(join(target, "licences"));
for (const [name, file] of Object.entries(licences))
  cpSync(join(modules, file), join(target, "licences", `${name}.txt`));

const kilobytes = Math.round(statSync(join(target, "tabler-icons.svg")).size / 1024);
console.log(`vendored into ${target}: ${names.length} icons (${kilobytes} kB)`);
