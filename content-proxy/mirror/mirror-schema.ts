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
  /** Connections of clients at once, to each port. */
  connectionsMax: count({ min: 1, max: 10_000 }).default(256),
  /**
   * Who may see what. `open`: who reaches the mirror. `challenge`: a client sees what the registry
   * shows to the login that it comes with, or to anybody; only registries that are named here,
   * in `ports` or in `origin.registries` are mirrored then.
   */
  access: z.enum(["open", "challenge"]).default("open"),
  /** So long a right holds until the registry is asked again. */
  accessForMs: milliseconds({ max: 86_400_000 }).default(60_000),
  /** So much longer it holds while the registry does not answer. */
  accessGraceMs: milliseconds({ max: 86_400_000 }).default(300_000),
  /** Whether seeders get a client's login to fetch with; else they use their own. */
  credentialsToSeeders: z.boolean().default(false),
});
