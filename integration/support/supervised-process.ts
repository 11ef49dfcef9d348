import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { inNamespace, type Argv } from "./command.ts";
import type { ReadinessProbe } from "./readiness.ts";

/** How long a daemon may take to come up on a busy machine. */
const readyWithinMs = 60_000;

/** How long a daemon may take to end by itself after SIGTERM. */
const stopWithinMs = 10_000;

/** How much of its log a failed process is quoted with. */
const logTailLength = 3_000;

export interface ProcessSpec {
  /** How messages name it. */
  readonly name: string;
  readonly argv: Argv;
  /** Takes standard output and error, after what is in it already. */
  readonly logPath: string;
  readonly ready: ReadinessProbe;
  readonly readyWithinMs?: number;
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Name of the network namespace to run in. */
  readonly netns?: string | undefined;
}

/** A daemon that we started. Dispose of it to stop it. */
export interface SupervisedProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly logPath: string;
  /** Settles with status or signal when the process is gone; never rejects. */
  readonly ended: Promise<number | string>;
  /** Asks it to end, and makes it end if that takes long. Idempotent. */
  stop(): Promise<void>;
  /** Ends it at once: nothing is flushed or put in order. Idempotent. */
  kill9(): Promise<void>;
  /** Has it hang: it keeps its sockets and does nothing any more. */
  freeze(): void;
  /** Has it go on after `freeze()`. */
  thaw(): void;
}

/**
 * Starts a daemon and waits until it is ready. It does not hear the terminal's
 * Ctrl-C, for its owner stops it in order; it is killed if this process dies.
 *
 * @throws {Error} with the end of its log when it ends before it is ready, or is too slow.
 */
export async function startProcess(
  spec: ProcessSpec,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<SupervisedProcess> {
  const child = await spawnLogged(spec);
  const ended = new Promise<number | string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signalName) => resolve(code ?? signalName ?? "nothing"));
  });
  const supervised = supervise(spec, child, ended);
  try {
    await waitUntilReady(spec, ended, signal);
    return supervised;
  } catch (error) {
    await supervised.kill9();
    signal?.throwIfAborted();
    const log = (await readFile(spec.logPath, "utf8")).slice(-logTailLength);
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot start ${spec.name}: ${why}\n${log}`, { cause: error });
  }
}

async function spawnLogged(spec: ProcessSpec): Promise<ChildProcess> {
  await mkdir(dirname(spec.logPath), { recursive: true });
  const log = await open(spec.logPath, "a");
  try {
    const [program, ...args] = inNamespace(spec.netns, spec.argv);
    return spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
    });
  } finally {
    await log.close();
  }
}

function supervise(
  spec: ProcessSpec,
  child: ChildProcess,
  ended: Promise<number | string>,
): SupervisedProcess {
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill9 = async () => {
    if (child.pid !== undefined && isRunning()) child.kill("SIGKILL");
    await ended;
  };
  const freeze = () => void child.kill("SIGSTOP");
  const thaw = () => void child.kill("SIGCONT");
  const stop = async () => {
    if (child.pid !== undefined && isRunning()) child.kill("SIGTERM");
    thaw();
    const bound = new AbortController();
    await Promise.race([ended, delay(stopWithinMs, undefined, { signal: bound.signal })]);
    bound.abort();
    await kill9();
  };
  const { name, logPath } = spec;
  const controls = { stop, kill9, freeze, thaw, [Symbol.asyncDispose]: stop };
  return { name, pid: child.pid ?? -1, logPath, ended, ...controls };
}

async function waitUntilReady(
  spec: ProcessSpec,
  ended: Promise<number | string>,
  outerSignal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const withinMs = spec.readyWithinMs ?? readyWithinMs;
  const timeout = AbortSignal.timeout(withinMs);
  const signals = [over.signal, timeout, ...(outerSignal === undefined ? [] : [outerSignal])];
  try {
    const early = ended.then((status) => {
      throw new Error(`it ended with ${status}`);
    });
    await Promise.race([spec.ready({ signal: AbortSignal.any(signals) }), early]);
  } catch (error) {
    if (timeout.aborted) throw new Error(`it was not ready within ${withinMs} ms`);
    throw error;
  } finally {
    over.abort();
  }
}
