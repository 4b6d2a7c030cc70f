import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = dirname(fileURLToPath(import.meta.url));

// One bundle with stable names: Django's static storage adds the hashes.
export default defineConfig({
  root: here,
  base: "./",
  publicDir: false,
  test: { include: ["tests/**/*.test.ts"], watch: false },
  build: {
    outDir: resolve(here, "../src/hevesy/desks/viewing/static/viewer"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rolldownOptions: {
      input: resolve(here, "src/main.ts"),
      output: { entryFileNames: "viewer.js", chunkFileNames: "[name].js", assetFileNames: "viewer[extname]" },
    },
  },
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "[name].js" } } },
});
