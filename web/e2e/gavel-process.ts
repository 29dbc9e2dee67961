import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const START_MS_MAX = 180_000;
const STOP_MS_MAX = 20_000;
const POLL_MS = 100;

/** The program under test: GAVEL_BIN, else that of the repository's virtual environment. */
export const PROGRAM = process.env.GAVEL_BIN ?? resolve(import.meta.dirname, "../../.venv/bin/gavel");

/** Environment variables by name. */
export type Settings = Readonly<Record<string, string>>;

/** A `gavel standalone` on a free port, with a temporary data folder. */
export class GavelProcess {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #settings: Settings;
  readonly #options: readonly string[];
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(folder: string, port: number, settings: Settings, options: readonly string[]) {
    this.#folder = folder;
    this.#port = port;
    this.#settings = settings;
    this.#options = options;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Start a process, in trusted mode unless `settings` say otherwise. */
  static async begin(settings: Settings = {}, ...options: readonly string[]): Promise<GavelProcess> {
    const folder = await mkdtemp(join(tmpdir(), "gavel-e2e-"));
    // Postgres does not run as root, so its user must be able to traverse the folder.
    await chmod(folder, 0o755);
    const gavel = new GavelProcess(folder, await freePort(), settings, options);
    await gavel.start();
    return gavel;
  }

  /** Start, also again on the same port and data. Returns when /readyz succeeds. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM, ["standalone", ...this.#options], {
      env: {
        ...process.env,
        AUTH_MODE: "trusted",
        ...this.#settings,
        HTTP_PORT: String(this.#port),
        GAVEL_DATA_DIR: join(this.#folder, "data"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.on("data", (chunk) => this.#note(chunk));
    child.stderr.on("data", (chunk) => this.#note(chunk));
    const deadline = Date.now() + START_MS_MAX;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`gavel standalone did not become ready:\n${this.#output}`);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /** Stop by SIGTERM. Keeps the data. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child && child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const forced = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await exited;
      clearTimeout(forced);
    }
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  #note(chunk: unknown): void {
    this.#output = `${this.#output}${chunk}`.slice(-8_000);
  }
}

// Below the range of ephemeral ports: an outgoing connection could take one of those before the server binds it.
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const listens = await new Promise<boolean>((done) => {
      server.once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => done(true));
    });
    if (listens) {
      server.close();
      await once(server, "close");
      return port;
    }
  }
}
