import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** The rules of the desktop's window, so that the tests on the fake backend run under them too. */
function contentSecurityPolicy(): string {
  const config = JSON.parse(readFileSync("../tauri.conf.json", "utf8")) as {
    app: { security: { csp: string } };
  };
  return config.app.security.csp;
}

// `--mode fake` builds the page that talks to the invented space instead of the desktop shell.
export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  clearScreen: false,
  server: { port: 5173, strictPort: true },
  preview: {
    port: Number(process.env["UI_PORT"] ?? 4173),
    strictPort: true,
    headers: { "Content-Security-Policy": contentSecurityPolicy() },
  },
  build: {
    target: ["safari16", "chrome109"],
    outDir: mode === "fake" ? "dist-fake" : "dist",
    emptyOutDir: true,
    // Fonts and icons stay files: `font-src 'self'` allows no data addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: { input: mode === "fake" ? "fake.html" : "index.html" },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "jsdom",
    isolate: false,
    restoreMocks: true,
  },
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
}));
