import { z } from "zod";

import { count, listenAddress, milliseconds } from "../../core/config/fields.ts";
import { registryHost } from "../../core/config/registry-schema.ts";

const portSchema = z.strictObject({
  listen: listenAddress(),
  /** The registry that all requests to this port mean. */
  registry: registryHost,
});

/** The registry mirror of a node. */
export const mirrorSchema = z.strictObject({
  /** Whether it is served. */
  enabled: z.boolean().default(false),
  /** Where. Who reaches it sees every image that the node may have. */
  listen: listenAddress().prefault("127.0.0.1:7082"),
  /** More ports, one for each registry, for clients that cannot tell which one they mean. */
  ports: z.array(portSchema).max(32).default([]),
  /** The registry that is meant where neither request nor port tells. */
  defaultRegistry: registryHost.default("docker.io"),
  /** A request that cannot be answered in this time is left to the registry itself. */
  answerTimeoutMs: milliseconds({ min: 100, max: 60_000 }).default(2000),
  /** Connections of clients at once, over all ports. */
  connectionsMax: count({ min: 1, max: 10_000 }).default(256),
});
