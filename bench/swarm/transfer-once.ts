import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { withDisposeStack } from "../../core/async/dispose-stack.ts";
import { levelFileState } from "../file-state.ts";
import { freePort } from "../free-port.ts";
import { usageOf, type ProcessUsage } from "../process-usage.ts";
import { digestOfFile, type SampleBlob } from "../sample-blob.ts";
import { startPeer, type DoneReport, type Engine } from "./start-peer.ts";

const host = "127.0.0.1";

/** What one transfer took. */
export interface Transfer extends DoneReport {
  readonly seeder: ProcessUsage;
  readonly leecher: ProcessUsage;
}

export interface TransferOptions {
  readonly engine: Engine;
  readonly blob: SampleBlob;
  /** Takes what the leecher writes, for the time of the transfer. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** One seeder gives a blob to one leecher over loopback, in two new processes. */
export async function transferOnce(options: TransferOptions): Promise<Transfer> {
  const { engine, blob, signal } = options;
  const directory = join(options.directory, "leecher");
  await levelFileState(options.directory, blob.size);
  return withDisposeStack(async (stack) => {
    await mkdir(directory, { recursive: true });
    stack.defer(() => rm(directory, { recursive: true }));
    const seeder = { host, port: await freePort() };
    const common = { torrentPath: blob.torrentPath, host, seeder };
    const start = async (role: "seed" | "leech", port: number, folder: string) => {
      const logPath = join(options.directory, `${engine}-${role}-${port}.log`);
      const spec = { ...common, role, directory: folder, port };
      return stack.use(await startPeer({ engine, spec, logPath, signal }));
    };
    const giving = await start("seed", seeder.port, blob.directory);
    const taking = await start("leech", await freePort(), directory);

    taking.go();
    const report = await taking.done({ signal });
    const usage = {
      seeder: await usageOf(giving.process.pid),
      leecher: await usageOf(taking.process.pid),
    };
    // A fast transfer of other bytes is none.
    const { digest } = blob.metainfo;
    assert.equal(await digestOfFile(join(directory, digest)), digest);
    return { ...report, ...usage };
  });
}
