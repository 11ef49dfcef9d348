import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Argv } from "../../integration/support/command.ts";
import type { UnpackReport, UnpackRequest } from "./unpacker-protocol.ts";

export interface OurUnpackerOptions {
  /** Takes what is unpacked, until it is removed again. */
  readonly directory: string;
  /** The only processor that it may use. */
  readonly processor?: number | undefined;
  readonly signal: AbortSignal;
}

/** Our unpacker in a process without a daemon around it. Dispose of it to end it. */
export class OurUnpacker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #options: OurUnpackerOptions;

  private constructor(child: ChildProcess, options: OurUnpackerOptions) {
    this.#child = child;
    this.#options = options;
  }

  static async start(options: OurUnpackerOptions): Promise<OurUnpacker> {
    const { processor, signal } = options;
    const program = join(import.meta.dirname, "unpacker-main.ts");
    const [command, ...args]: Argv =
      processor === undefined
        ? [process.execPath, program]
        : ["taskset", "-c", String(processor), process.execPath, program];
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], signal });
    // Whatever becomes of it is told by the wait for its next report.
    child.on("error", () => undefined);
    const unpacker = new OurUnpacker(child, options);
    assert.equal((await unpacker.#nextReport()).kind, "ready");
    return unpacker;
  }

  get pid(): number {
    assert(this.#child.pid !== undefined);
    return this.#child.pid;
  }

  /**
   * Unpacks a layer `times` times at once, into new folders, which are removed again; gives
   * the milliseconds of the unpack alone.
   */
  async unpack(request: Omit<UnpackRequest, "into">, { times = 1 } = {}): Promise<number> {
    const { directory } = this.#options;
    const into = Array.from({ length: times }, (_, index) => join(directory, `ours-${index}`));
    for (const path of into) await mkdir(path, { recursive: true });
    try {
      this.#child.send({ ...request, into } satisfies UnpackRequest);
      const report = await this.#nextReport();
      if (report.kind === "failed") throw new Error(`our unpacker failed: ${report.message}`);
      assert(report.kind === "unpacked");
      return report.durationMs;
    } finally {
      for (const path of into) await rm(path, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }

  async #nextReport(): Promise<UnpackReport> {
    const { signal } = this.#options;
    const ended = new AbortController();
    const onExit = () => ended.abort(new Error("our unpacker ended"));
    this.#child.once("exit", onExit);
    try {
      const either = AbortSignal.any([signal, ended.signal]);
      const [report] = (await once(this.#child, "message", { signal: either })) as [UnpackReport];
      return report;
    } catch (error) {
      ended.signal.throwIfAborted();
      throw error;
    } finally {
      this.#child.off("exit", onExit);
    }
  }
}
