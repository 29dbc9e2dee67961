import { existsSync } from "node:fs";

const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The path of the browser: CHROMIUM, else an installed one. Downloads nothing. */
function browser(): string {
  const found = process.env.CHROMIUM ?? PATHS.find((path) => existsSync(path));
  if (!found || !existsSync(found)) {
    throw new Error("Chromium not found. Install it (Debian: apt-get install chromium) or set CHROMIUM to its path.");
  }
  return found;
}

/** Launch options without background network traffic, updates and synchronisation. */
export const chromium = {
  executablePath: browser(),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
