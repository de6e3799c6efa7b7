// A real Next.js app, built and started for production, with nothing in its environment but what `rowlock clerk` prints.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLIENTS = dirname(dirname(fileURLToPath(import.meta.url)));
const DIRECTORY = join(CLIENTS, "next-app");
const NEXT = join(CLIENTS, "node_modules/next/dist/bin/next");
/** A build of five pages on busy cores. */
const BUILT_WITHIN_MS = 180_000;
const READY_WITHIN_MS = 60_000;

/** The app, built with these variables and answering at `url`. */
export class NextApp {
  #child;
  #said = "";
  #orphaned = () => this.#child.kill("SIGKILL");

  static async start(variables) {
    await build(variables);
    const app = new NextApp();
    const port = await freePort();
    // The name matters: on an address, clerk-js keeps no note of who is signed in.
    app.url = `http://localhost:${port}`;
    app.#child = spawn(process.execPath, [NEXT, "start", "-p", String(port), "-H", "localhost"], {
      cwd: DIRECTORY,
      env: environment(variables),
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [app.#child.stdout, app.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (app.#said += text));
    }
    process.once("exit", app.#orphaned);
    await app.#untilReady();
    return app;
  }

  /** What the server has printed so far. */
  get said() {
    return this.#said;
  }

  async stop() {
    process.removeListener("exit", this.#orphaned);
    if (this.#child.exitCode === null) {
      const gone = once(this.#child, "close");
      this.#child.kill("SIGTERM");
      await gone;
    }
  }

  async #untilReady() {
    const until = Date.now() + READY_WITHIN_MS;
    while (Date.now() < until) {
      if (this.#child.exitCode !== null) throw new Error(`next start ended\n${this.#said}`);
      const answer = await fetch(`${this.url}/api/whoami`).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`next start does not answer at ${this.url}\n${this.#said}`);
  }
}

async function build(variables) {
  const child = spawn(process.execPath, [NEXT, "build"], { cwd: DIRECTORY, env: environment(variables) });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (said += text));
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), BUILT_WITHIN_MS);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  if (code !== 0) throw new Error(`next build failed\n${said}`);
}

/** The caller's environment without any Clerk of theirs. */
function environment(variables) {
  const inherited = Object.entries(process.env).filter(([name]) => !/CLERK|^NODE_OPTIONS$|^NODE_TEST/.test(name));
  const own = { NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", CI: "1" };
  return { ...Object.fromEntries(inherited), ...own, ...variables };
}

async function freePort() {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
