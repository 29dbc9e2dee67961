import { spawn } from "node:child_process";
import { once } from "node:events";
import { PROGRAM } from "./gavel-process";

/** Run `gavel bidders` and verify the server's books afterwards. Throws with its output if it fails. */
export async function runBidders(url: string, ...flags: string[]): Promise<void> {
  const child = spawn(PROGRAM, ["bidders", "--url", url, "--verify", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const note = (chunk: unknown): void => {
    output = `${output}${chunk}`.slice(-8_000);
  };
  child.stdout.on("data", note);
  child.stderr.on("data", note);
  const [status] = await once(child, "close");
  if (status !== 0) {
    throw new Error(`gavel bidders ended with ${status}:\n${output}`);
  }
}
