import { readFile } from "node:fs/promises";

import type { DisposeStack } from "../core/async/dispose-stack.ts";
import { Limiter } from "../core/async/limiter.ts";
import { Credential } from "../core/credential.ts";
import { ConfigError } from "../core/errors.ts";
import { parseImageReference } from "../core/image-reference.ts";
import { parsePlatform, platformOfMachine } from "../core/platform.ts";
import type { SeederConfig } from "./config.ts";
import type { PreheatRoutesDeps } from "./http/preheat-routes.ts";
import { NodeTable } from "./nodes/node-table.ts";
import { Notifications } from "./notifications/notifications.ts";
import { secretLengthMin } from "./notifications/notifications-schema.ts";
import { secretCheck } from "./notifications/secret-check.ts";
import { PreheatQueue } from "./preheat-queue.ts";
import { type PreheatRequest, Preheats, type PreheatsDeps } from "./preheats.ts";

type ConnectDeps = Omit<
  PreheatsDeps,
  | "table"
  | "nodeLimiter"
  | "nodesAtOnce"
  | "nodeTimeoutMs"
  | "preheatsMax"
  | "preheatTimeoutMs"
  | "platformDefault"
> & { readonly started: DisposeStack };

/**
 * Joins what fetches images before somebody pulls them: for people who ask, for what
 * registries say was pushed, and for what is pinned, which begins at once.
 */
export async function connectPreheats(
  config: SeederConfig,
  { started, ...deps }: ConnectDeps,
): Promise<PreheatRoutesDeps> {
  const { nodesMax, nodesAtOnce, nodeTimeoutMs } = config.preheat;
  const table = new NodeTable({ nodesMax });
  const preheats = new Preheats({
    ...{ ...deps, ...config.fetch, table, nodesAtOnce, nodeTimeoutMs },
    nodeLimiter: new Limiter(nodesAtOnce),
    platformDefault: platformOfMachine(process.arch),
  });
  const queue = started.use(new PreheatQueue({ preheats, logger: deps.logger }));
  const notifications = await openNotifications(config, { queue, logger: deps.logger });
  queue.add(config.store.pins.map((text) => ({ reference: parseImageReference(text) })));
  return { preheats, table, notifications };
}

async function openNotifications(
  { notifications: config }: SeederConfig,
  deps: { readonly queue: PreheatQueue; readonly logger: ConnectDeps["logger"] },
): Promise<PreheatRoutesDeps["notifications"]> {
  const { enabled, registry, include, exclude } = config;
  if (!enabled) return undefined;
  const target = targetOf(config);
  const notifications = new Notifications({ ...deps, registry, include, exclude, target });
  return { notifications, isAllowed: secretCheck(await readSecrets(config)) };
}

function targetOf({
  scope,
  platforms,
  nodes,
}: SeederConfig["notifications"]): Omit<PreheatRequest, "reference"> {
  const named = platforms === "all" ? platforms : platforms?.map(parsePlatform);
  return {
    ...(named && { platforms: named }),
    ...(scope === "nodes" && { nodes }),
  };
}

/** @throws {ConfigError} when the file cannot be read or has too short a secret in it. */
async function readSecrets({
  secret,
  secretFile,
}: SeederConfig["notifications"]): Promise<Credential[]> {
  const secrets = secret === undefined ? [] : [new Credential(secret)];
  if (secretFile === undefined) return secrets;
  const text = await readFile(secretFile, "utf8").catch(() => "");
  if (text.trim().length >= secretLengthMin) return [...secrets, new Credential(text.trim())];
  throw new ConfigError([
    `notifications.secretFile: ${secretFile} cannot be read, or is shorter than ${secretLengthMin} characters`,
  ]);
}
