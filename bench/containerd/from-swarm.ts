import assert from "node:assert/strict";

import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";

/** How much of an image must have come from the swarm; containerd asks itself for a manifest. */
const fromSwarmMin = 0.95;

/** A pull by which the registry has given much is none from a swarm. */
export async function assertFromSwarm(proxy: ShoalDaemon, size: number): Promise<void> {
  const { traffic } = await proxy.status();
  const { peers = 0, seeders = 0, webSeeds = 0 } = traffic?.received ?? {};
  const received = peers + seeders + webSeeds;
  assert(received >= size * fromSwarmMin, `only ${received} of ${size} bytes came from the swarm`);
}
