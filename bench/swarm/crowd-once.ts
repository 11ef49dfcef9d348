import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { withDisposeStack } from "../../core/async/dispose-stack.ts";
import { runCommand } from "../../integration/support/command.ts";
import type { Network, NetworkHost } from "../../integration/support/network.ts";
import { trackerUrl } from "../../integration/support/shoal-config.ts";
import { levelFileState } from "../file-state.ts";
import { digestOfFile, type SampleBlob } from "../sample-blob.ts";
import { startPeer, type Engine } from "./start-peer.ts";

/** Every peer has a host of its own. */
const port = 7080;

/** What it took until all of a crowd had a blob. */
export interface CrowdResult {
  /** Milliseconds until each was done, the first one first. */
  readonly doneMs: readonly number[];
  /** Bytes that left the seeder, with those of all protocols below ours. */
  readonly seederSentBytes: number;
}

export interface CrowdOptions {
  readonly engine: Engine;
  readonly blob: SampleBlob;
  /** Has the hosts `seeder` and `tracker`, on the latter of which our tracker runs. */
  readonly network: Network;
  /** Names of the hosts that want the blob. */
  readonly nodes: readonly string[];
  /** Takes what they write, for the time of the transfer. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** One seeder gives a blob to many leechers, which begin at once, in new processes each. */
export async function crowdOnce(options: CrowdOptions): Promise<CrowdResult> {
  const { engine, blob, network, nodes, signal } = options;
  const directory = join(options.directory, "crowd");
  await levelFileState(options.directory, blob.size * nodes.length);
  return withDisposeStack(async (stack) => {
    await mkdir(directory, { recursive: true });
    stack.defer(() => rm(directory, { recursive: true }));
    const seederHost = network.host("seeder");
    const start = async (role: "seed" | "leech", on: NetworkHost, folder: string) => {
      const spec = {
        ...{ role, directory: folder, torrentPath: blob.torrentPath, host: on.address, port },
        seeder: { host: seederHost.address, port },
        tracker: `${trackerUrl(network.host("tracker"))}/announce`,
      };
      const logPath = join(directory, `${on.name}.log`);
      return stack.use(
        await startPeer({ program: engine, spec, netns: on.netns, logPath, signal }),
      );
    };
    await start("seed", seederHost, blob.directory);
    const leechers = await Promise.all(
      nodes.map(async (name) => {
        const folder = join(directory, name);
        await mkdir(folder);
        return { folder, peer: await start("leech", network.host(name), folder) };
      }),
    );

    const sentBefore = await sentBytesOf(seederHost);
    for (const { peer } of leechers) peer.go();
    const reports = await Promise.all(leechers.map(({ peer }) => peer.done({ signal })));
    const seederSentBytes = (await sentBytesOf(seederHost)) - sentBefore;
    const { digest } = blob.metainfo;
    for (const { folder } of leechers) {
      assert.equal(await digestOfFile(join(folder, digest)), digest);
    }
    const doneMs = reports.map(({ checkedMs }) => checkedMs).sort((a, b) => a - b);
    return { doneMs, seederSentBytes };
  });
}

/** Bytes that a host has sent over its link. */
async function sentBytesOf({ name, netns }: NetworkHost): Promise<number> {
  const { stdout } = await runCommand(["cat", "/proc/self/net/dev"], { netns });
  const fields = /^\s*eth0:\s*(.*)$/m.exec(stdout)?.[1]?.trim().split(/\s+/);
  const sent = Number(fields?.[8]);
  if (!Number.isSafeInteger(sent)) throw new Error(`Cannot read what ${name} has sent`);
  return sent;
}
