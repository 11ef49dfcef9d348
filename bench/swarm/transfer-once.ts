import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { withDisposeStack } from "../../core/async/dispose-stack.ts";
import type { NetworkHost } from "../../integration/support/network.ts";
import { levelFileState } from "../file-state.ts";
import { freePort } from "../free-port.ts";
import { usageOf, type ProcessUsage } from "../process-usage.ts";
import { digestOfFile, type SampleBlob } from "../sample-blob.ts";
import { startPeer, type DoneReport, type Program } from "./start-peer.ts";

/** What one transfer took. */
export interface Transfer extends DoneReport {
  readonly seeder: ProcessUsage;
  readonly leecher: ProcessUsage;
}

export interface TransferOptions {
  readonly program: Program;
  readonly blob: SampleBlob;
  /** Where the two run; may be the same. */
  readonly hosts: { readonly seeder: NetworkHost; readonly leecher: NetworkHost };
  /** Takes what the leecher writes, for the time of the transfer. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

interface PeerPlace {
  readonly port: number;
  readonly directory: string;
}

/** One seeder gives a blob to one leecher in two new processes. */
export async function transferOnce(options: TransferOptions): Promise<Transfer> {
  const { program, blob, hosts, signal } = options;
  const directory = join(options.directory, "leecher");
  await levelFileState(options.directory, blob.size);
  return withDisposeStack(async (stack) => {
    await mkdir(directory, { recursive: true });
    stack.defer(() => rm(directory, { recursive: true }));
    const seeder = { host: hosts.seeder.address, port: await freePort() };
    const start = async (role: "seed" | "leech", on: NetworkHost, at: PeerPlace) => {
      const logPath = join(options.directory, `${program}-${role}-${at.port}.log`);
      const spec = { ...at, role, torrentPath: blob.torrentPath, host: on.address, seeder };
      return stack.use(await startPeer({ program, spec, netns: on.netns, logPath, signal }));
    };
    const { port } = seeder;
    const giving = await start("seed", hosts.seeder, { port, directory: blob.directory });
    const taking = await start("leech", hosts.leecher, { port: await freePort(), directory });

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
