import { spawn } from "node:child_process";
import { once } from "node:events";
import { PROGRAM } from "./gavel-process";

/** Run `gavel bidders` to its end, and have it check the server's books afterwards. Throws with what it said if not. */
export async function runBidders(url: string, ...flags: string[]): Promise<void> {
  const child = spawn(PROGRAM, ["bidders", "--url", url, "--verify", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const note = (chunk: unknown): void => {
    said = `${said}${chunk}`.slice(-8_000);
  };
  child.stdout.on("data", note);
  child.stderr.on("data", note);
  const [status] = await once(child, "close");
  if (status !== 0) {
    throw new Error(`gavel bidders ended with ${status}:\n${said}`);
  }
}
