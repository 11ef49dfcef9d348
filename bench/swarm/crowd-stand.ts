import { join } from "node:path";

import { createNetwork, type Network } from "../../integration/support/network.ts";
import { startTracker } from "../daemons.ts";
import type { BenchContext } from "../measurement.ts";
import { requireNamespaces } from "../require-namespaces.ts";

/** What a crowd has: a seeder, nodes and a tracker. */
export interface CrowdLinks {
  /** Names of the nodes. */
  readonly nodes: readonly string[];
  /** Rate of the seeder's and of each node's link, in each direction. */
  readonly bitsPerSecond: number;
  /** Nodes whose links are others. */
  readonly exceptions?: Readonly<Record<string, number>>;
  /** Longest packet, in bytes; Ethernet's 1500 unless told otherwise. */
  readonly packetBytesMax?: number;
}

let standsOpened = 0;

/** Makes the hosts of a crowd, with a tracker running, for the time of the measurement. */
export async function openCrowdStand(
  { directory, signal, stack }: BenchContext,
  { nodes, bitsPerSecond, exceptions = {}, packetBytesMax }: CrowdLinks,
): Promise<Network> {
  await requireNamespaces();
  const rates = ["seeder", ...nodes].map((name) => [name, exceptions[name] ?? bitsPerSecond]);
  const network = stack.use(
    await createNetwork({
      hosts: ["tracker", "seeder", ...nodes],
      bitsPerSecond: Object.fromEntries(rates) as Record<string, number>,
      packetBytesMax,
    }),
  );
  const stand = join(directory, `stand${standsOpened++}`);
  stack.use(await startTracker({ on: network.host("tracker"), directory: stand, signal }));
  return network;
}

/** Names of as many nodes. */
export function nodeNames(length: number): readonly string[] {
  return Array.from({ length }, (_, index) => `node${index + 1}`);
}
