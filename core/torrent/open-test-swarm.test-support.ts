import { MemoryLogger } from "../testing/memory-logger.ts";
import type { OpenSwarm } from "../testing/swarm-conformance.ts";
import { TorrentSwarm, type TorrentSwarmSettings } from "./torrent-swarm.ts";

/** Opens nodes on loopback for tests, with settings that differ from the defaults. */
export function openTestSwarm(
  settings: Partial<TorrentSwarmSettings> = {},
  logger = new MemoryLogger(),
): OpenSwarm {
  return ({ announcer, dedicatedSeeder = false }, { signal }) =>
    TorrentSwarm.open(
      { settings: { port: 0, host: "127.0.0.1", dedicatedSeeder, ...settings }, announcer, logger },
      { signal },
    );
}
