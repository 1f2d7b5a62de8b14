// The interface in a real browser, on the invented space, under the desktop's content security
// policy. CHROMIUM names the browser where it is not Debian's, UI_PORT a port; without it the
// server takes one that is free as it starts, when the page is built, and says which.

import { defineConfig } from "@playwright/test";

/** Once the server has said its port, which it has before anything opens a page. */
const PORT = process.env["UI_PORT"] ?? "0";

export default defineConfig({
  testDir: "tests",
  outputDir: "test-output",
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: `http://localhost:${PORT}`,
    viewport: { width: 1160, height: 760 },
    locale: "en-GB",
    timezoneId: "Europe/Oslo",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    },
  },
  webServer: {
    command: "npx vite build --mode fake && npx vite preview --mode fake",
    env: { UI_PORT: PORT },
    wait: { stdout: /http:\/\/localhost:(?<UI_PORT>\d+)/ },
    timeout: 300_000,
    stdout: "ignore",
  },
});
