import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Runs `body` while no other process of this machine runs one under the same lock
 * file. The lock goes with the process: a killed holder leaves nothing locked.
 */
export async function withFileLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  // Holds the lock until its input ends, which is when we say so or are gone.
  const holder = spawn("flock", [path, "sh", "-c", "echo locked; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(holder, "close");
  const locked = await Promise.race([once(holder.stdout, "data"), ended]);
  if (!Buffer.isBuffer(locked[0])) throw new Error(`Cannot lock ${path}: flock failed`);
  try {
    return await body();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
