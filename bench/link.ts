import { createNetwork } from "../integration/support/network.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { requireNamespaces } from "./require-namespaces.ts";
import { compareTransfers } from "./swarm/compare-transfers.ts";

/**
 * How fast one node gets a blob from one seeder over a link that bounds nothing: against what
 * this runtime can do at all, and against engines that others have made.
 */
export const link: Measurement = {
  name: "link",
  summary: "one seeder to one node over an unlimited link, 1 GiB: against plain sockets, engines",
  rounds: 5,
  withinMs: 30 * 60_000,
  run: measureLink,
};

async function measureLink(context: BenchContext): Promise<readonly Figure[]> {
  await requireNamespaces();
  const network = context.stack.use(await createNetwork({ hosts: ["seeder", "node"] }));
  const hosts = { seeder: network.host("seeder"), leecher: network.host("node") };
  const atLeast = { plain: 0.7, libtorrent: 1.8, webtorrent: 2.5 };
  return compareTransfers(context, { name: "link", hosts, atLeast });
}
