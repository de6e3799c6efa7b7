// Chromium of this machine, without a network: no name leads anywhere but to this machine.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const directories = (process.env.PATH ?? "").split(delimiter);
  for (const path of NAMES.flatMap((name) => directories.map((directory) => join(directory, name)))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one, perhaps.
    }
  }
  throw new Error(`no Chromium found, expected one of ${NAMES.join(", ")}: run \`cargo x setup\`, or name it in CHROMIUM`);
}

/** A headless browser that resolves no name but `localhost`. */
export function launchChromium() {
  return chromium.launch({
    executablePath: executable(),
    args: [
      // Root has no sandbox to offer.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
    ],
  });
}
