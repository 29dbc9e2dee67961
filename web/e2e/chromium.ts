import { existsSync } from "node:fs";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser that CHROMIUM names, else one that is installed; nothing is fetched for it. */
function browser(): string {
  const found = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!found || !existsSync(found)) {
    throw new Error(
      "These tests need Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM.",
    );
  }
  return found;
}

/** Kept quiet: nothing in the background, nothing updated, nothing synchronised. */
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
