/** Entry of the thread that hashes files while they grow; see {@link DigestThread}. */
import { type Hash, createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";

import { type Digest, digestFromHash } from "../digest.ts";
import { setThreadPriority } from "../async/thread-priority.ts";

setThreadPriority("bulk");

/** What the thread is told. */
export type DigestCommand =
  | {
      readonly type: "start";
      readonly id: number;
      readonly path: string;
      readonly size: number;
    }
  | { readonly type: "advance"; readonly id: number; readonly end: number }
  | { readonly type: "stop"; readonly id: number };

/** What the thread tells: a digest, or why there is none. */
export interface DigestEvent {
  readonly id: number;
  readonly digest?: Digest;
  readonly message?: string;
}

interface Job {
  readonly fd: number;
  readonly size: number;
  readonly hash: Hash;
  hashed: number;
  end: number;
}

/** Read at once, in bytes: fits the processor's cache between the read and the hash. */
const chunkLength = 256 * 1024;

const chunk = Buffer.allocUnsafeSlow(chunkLength);
const jobs = new Map<number, Job>();
let isScheduled = false;

parentPort?.on("message", (command: DigestCommand) => {
  try {
    onCommand(command);
  } catch (error) {
    fail(command.id, error);
  }
});

function onCommand(command: DigestCommand): void {
  switch (command.type) {
    case "start": {
      const fd = openSync(command.path, "r");
      const hash = createHash("sha256");
      jobs.set(command.id, { fd, size: command.size, hash, hashed: 0, end: 0 });
      break;
    }
    case "advance": {
      const job = jobs.get(command.id);
      if (job) job.end = command.end;
      schedule();
      break;
    }
    case "stop":
      end(command.id);
      break;
  }
}

/** One chunk of each job at a time, so that a large blob does not delay a small one. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    for (const [id, job] of jobs) {
      try {
        step(id, job);
      } catch (error) {
        fail(id, error);
      }
    }
  });
}

function step(id: number, job: Job): void {
  const length = Math.min(chunkLength, job.end - job.hashed);
  if (length > 0) {
    const count = readSync(job.fd, chunk, 0, length, job.hashed);
    if (count === 0) throw new Error("file is too short");
    job.hash.update(chunk.subarray(0, count));
    job.hashed += count;
  }
  if (job.hashed < job.size) {
    if (job.hashed < job.end) schedule();
    return;
  }
  post({ id, digest: digestFromHash(job.hash) });
  end(id);
}

function fail(id: number, error: unknown): void {
  post({ id, message: error instanceof Error ? error.message : String(error) });
  end(id);
}

function end(id: number): void {
  const job = jobs.get(id);
  jobs.delete(id);
  if (job) closeSync(job.fd);
}

function post(event: DigestEvent): void {
  parentPort?.postMessage(event);
}
