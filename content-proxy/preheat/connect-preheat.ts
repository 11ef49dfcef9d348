import { randomUUID } from "node:crypto";

import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { HttpClient } from "../../core/http/http-client.ts";
import { type NodeHello, isNodeName } from "../../core/node-hello.ts";
import type { Platform } from "../../core/platform.ts";
import type { ContentProxyConfig } from "../config.ts";
import { PreheatAgent } from "./preheat-agent.ts";
import { PreheatDownloads, type PreheatDownloadsDeps } from "./preheat-downloads.ts";
import { SeederTasks } from "./seeder-tasks.ts";
import { TaskRunner, type TaskRunnerDeps } from "./task-runner.ts";

type ConnectDeps = Omit<TaskRunnerDeps & PreheatDownloadsDeps, Own> & {
  readonly started: DisposeStack;
  /** Name of the machine. */
  readonly hostname: string;
  readonly platform: Platform;
};

/** What is made here, or comes from the configuration. */
type Own = "downloads" | "downloadsMax" | "budgetBytes";

/**
 * Milliseconds without a sign of life after which a seeder counts as gone: it gives one every
 * 30 s. A report has a shorter bound of its own.
 */
const silenceMs = 95_000;

/** Milliseconds in which a connection to a seeder must be up. */
const connectTimeoutMs = 10_000;

/** Connections to one seeder: the one that tasks come by, and reports. */
const connectionsMax = 4;

/** Longest answer to a report: an error. */
const answerLengthMax = 16 * 1024;

/** Begins to take tasks of the seeders; `undefined` where there are none, or none are wanted. */
export function connectPreheat(
  { preheat, node, seeders: urls, cache }: ContentProxyConfig,
  { started, hostname, platform, ...deps }: ConnectDeps,
): Pick<TaskRunner, "report"> | undefined {
  if (!preheat.enabled || urls.length === 0) return undefined;
  const logger = deps.logger.with({ part: "preheat" });
  const client = started.use(
    new HttpClient({ connectionsMax, answerLengthMax, silenceMs, connectTimeoutMs }),
  );
  const downloads = new PreheatDownloads({ ...deps, downloadsMax: preheat.downloadsMax });
  const { budgetBytes } = cache;
  const runner = new TaskRunner({ ...deps, downloads, budgetBytes, logger });
  const seeders = [...new Set(urls)].map((url) => new SeederTasks({ url, client }));
  const hello: NodeHello = {
    name: node.name ?? nodeNameOf(hostname),
    ...{ instance: randomUUID(), labels: node.labels, platform },
  };
  started.use(PreheatAgent.start({ seeders, hello, runner, logger, random: Math.random }));
  return runner;
}

/** Names of machines may have more in them than we let people write. */
function nodeNameOf(hostname: string): string {
  const name = hostname.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 253);
  return isNodeName(name) ? name : "unnamed";
}
