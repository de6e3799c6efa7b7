// The real binary, as a child of the test: started, waited for, stopped, and heard when something goes wrong.
//
// `cargo x test` builds it and names it in ROWLOCK_BIN. Every server gets a directory of its own and free ports, so test
// files can run side by side. A server that does not say "ready", or does not stop when it is told to, is an error that
// carries its last words.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The first start creates a Postgres cluster, and a build may be using the same cores. */
const READY_WITHIN_MS = 60_000;
/** Draining requests and stopping Postgres; more than this means it hangs. */
const STOPPED_WITHIN_MS = 20_000;
/** A command that answers and ends. */
const ANSWERED_WITHIN_MS = 30_000;

function binary() {
  const path = process.env.ROWLOCK_BIN;
  if (!path) {
    throw new Error("ROWLOCK_BIN is not set: run `cargo x test --only clients`, or set it to the built binary");
  }
  return path;
}

/** The caller's environment without what would point the binary at the caller's own Clerk and Postgres. */
function environment(extra) {
  const foreign = /^(CLERK_|ROWLOCK_|DATABASE_URL$|PG(?!_BIN$))/;
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(inherited), NO_COLOR: "1", ...extra };
}

/** A server that said it is ready. */
export class Rowlock {
  #child;
  #directory;
  #ended;
  /** Standard error so far, and how much of it has been shown. */
  #errors = "";
  #explained = 0;
  /** When the test process dies first, its server must not live on. */
  #orphaned = () => this.#child.kill("SIGTERM");

  /**
   * `rowlock dev` on free ports in a new directory: the stack, the emulator of Clerk, and a private Postgres.
   *
   * @param {{ arguments?: string[], environment?: Record<string, string> }} [options]
   */
  static async dev(options = {}) {
    const directory = await mkdtemp(join(tmpdir(), "rowlock-client-test-"));
    // Whoever Postgres runs as must be able to pass through.
    await chmod(directory, 0o755);
    const ports = ["--listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0"];
    const words = ["dev", "--json", "--data-dir", join(directory, "data"), ...ports, ...(options.arguments ?? [])];
    const rowlock = new Rowlock(words, options.environment, directory);
    try {
      rowlock.ready = await rowlock.#untilReady();
    } catch (error) {
      // What went wrong first is what the reader needs.
      await rowlock.#end("SIGTERM").catch(() => {});
      throw error;
    }
    return rowlock;
  }

  /**
   * `rowlock clerk` on a free port: the emulator of Clerk alone, as a new instance of which nothing is kept.
   *
   * @param {string[]} [more]
   */
  static async clerk(more = []) {
    const directory = await mkdtemp(join(tmpdir(), "rowlock-client-test-"));
    const rowlock = new Rowlock(["clerk", "--json", "--ephemeral", "--port", "0", ...more], {}, directory);
    try {
      rowlock.ready = await rowlock.#untilReady();
    } catch (error) {
      await rowlock.#end("SIGTERM").catch(() => {});
      throw error;
    }
    return rowlock;
  }

  constructor(words, extra, directory) {
    this.#directory = directory;
    this.#child = spawn(binary(), words, { env: environment(extra), stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#errors += text));
    this.#ended = once(this.#child, "close");
    this.#ended.catch(() => {}); // A failure to start is reported by whoever waits next.
    process.once("exit", this.#orphaned);
  }

  /** To be called after each test: when it failed, shows what the server had to say meanwhile. */
  explain({ name, passed }) {
    const heard = this.#errors.slice(this.#explained);
    this.#explained = this.#errors.length;
    if (!passed && heard) console.error(`rowlock during "${name}":\n${heard}`);
  }

  /** Base URL of the server. */
  get api() {
    return this.ready.api;
  }

  /** How to reach the emulated Clerk, and its keys. */
  get clerk() {
    return this.ready.clerk ?? this.ready;
  }

  /** Ends the server as an operator would, and fails unless it goes in peace. */
  async stop() {
    const [code, signal] = await this.#end("SIGTERM");
    if (code !== 0) {
      throw new Error(`rowlock ended with ${signal ?? `code ${code}`} after SIGTERM\n${this.#errors}`);
    }
  }

  async #untilReady() {
    const lines = createInterface({ input: this.#child.stdout });
    const firstLine = once(lines, "line").then(([line]) => line);
    const gone = this.#ended.then(([code, signal]) => {
      throw new Error(`rowlock ended with ${signal ?? `code ${code}`} before it was ready\n${this.#errors}`);
    });
    const line = await within(READY_WITHIN_MS, Promise.race([firstLine, gone]), () => `not ready\n${this.#errors}`);
    let ready;
    try {
      ready = JSON.parse(line);
    } catch {
      throw new Error(`expected one line of JSON on standard output, found: ${line}`);
    }
    if (ready.event !== "ready") {
      throw new Error(`expected the event "ready" first, found: ${line}`);
    }
    return ready;
  }

  async #end(signal) {
    process.removeListener("exit", this.#orphaned);
    this.#child.kill(signal);
    try {
      return await within(STOPPED_WITHIN_MS, this.#ended, () => `not stopped by ${signal}\n${this.#errors}`);
    } catch (error) {
      this.#child.kill("SIGKILL");
      throw error;
    } finally {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }
}

/**
 * Runs a command to its end.
 *
 * @param {string[]} words
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export async function run(words) {
  const child = spawn(binary(), words, { env: environment({}), stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
  }
  const ended = once(child, "close");
  try {
    const [code, signal] = await within(ANSWERED_WITHIN_MS, ended, () => `no answer\n${output.stderr}`);
    if (signal) {
      throw new Error(`rowlock ${words[0]} was ended by ${signal}\n${output.stderr}`);
    }
    return { code, ...output };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** The promise's value, or an error after so many milliseconds. */
async function within(milliseconds, promise, describe) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`rowlock: ${describe()} (waited ${milliseconds} ms)`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
