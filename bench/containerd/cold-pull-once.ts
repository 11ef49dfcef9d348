import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { withDisposeStack } from "../../core/async/dispose-stack.ts";
import { downloadedBytes } from "../../integration/support/access-log.ts";
import {
  type Cluster,
  type ClusterNode,
  allServices,
  noServices,
  startCluster,
} from "../../integration/support/cluster.ts";
import { ensureInstalledContainerd } from "../../integration/support/containerd-release.ts";
import { pushImage } from "../../integration/support/image-push.ts";
import { type BuiltImage, sizeOfManifest } from "../../integration/support/image.ts";
import type { Network } from "../../integration/support/network.ts";
import { pollUntil } from "../../integration/support/poll.ts";
import { levelFileState } from "../file-state.ts";
import { fetchContent } from "./fetch-content.ts";
import { untilFirstBytesAt, untilFirstBytesIn } from "./first-bytes.ts";

/** Seldom enough that a crowd of daemons has its processors for itself; a small part of a pull. */
const wholeIntervalMs = 250;

/** What it took until all nodes had an image that only the registry had before. */
export interface ColdPull {
  /** Seconds until each node had all of it, checked and in its place. */
  readonly wholeSeconds: readonly number[];
  /** Bytes that the registry gave, over the size of the image. */
  readonly copies: number;
  /**
   * Milliseconds from the first bytes of a layer at the seeder to the first ones at each node;
   * empty without a seeder.
   */
  readonly firstBytesMs: readonly number[];
}

/** How a cold pull is made. */
export interface ColdPullOptions {
  readonly image: BuiltImage;
  /** Pulled by all nodes at once before anything is measured, so that daemons are warm. */
  readonly warmUp: BuiltImage;
  /** Has the hosts `registry`, `tracker` and `seeder`, and the nodes. */
  readonly network: Network;
  readonly nodes: readonly string[];
  /** Whether nodes are ours, with a seeder, or have containerd alone. */
  readonly isOurs: boolean;
  /** Takes what all of them write, for the time of the pull. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Has nodes pull an image at once, with nothing of it anywhere but in the registry. */
export async function coldPullOnce(options: ColdPullOptions): Promise<ColdPull> {
  const { image, warmUp, isOurs, network, nodes, signal } = options;
  const directory = join(options.directory, "cold");
  const [manifest] = image.manifests;
  assert(manifest);
  const size = sizeOfManifest(manifest);
  return withDisposeStack(async (stack) => {
    await mkdir(directory, { recursive: true });
    stack.defer(() => rm(directory, { recursive: true }));
    const release = await ensureInstalledContainerd();
    const services = isOurs ? allServices : noServices;
    const cluster = stack.use(
      await startCluster({ network, nodes, release, services, directory }, { signal }),
    );
    const warming = await pushImage(warmUp, cluster.registry, { name: "bench/warm:1" });
    await Promise.all(cluster.nodes.map((node) => pullWhole(node, warming)));
    const reference = await pushImage(image, cluster.registry, { name: "bench/cold:1" });
    await levelFileState(options.directory, size * (nodes.length + 1));
    await cluster.registry.forgetRequests();

    const startMs = performance.now();
    const pulls = cluster.nodes.map(async (node) => {
      await pullWhole(node, reference);
      return (performance.now() - startMs) / 1000;
    });
    const [firstBytesMs, ...wholeSeconds] = await Promise.all([
      isOurs ? firstBytesIn(cluster, { signal }) : [],
      ...pulls,
    ]);
    const copies = downloadedBytes(await cluster.registry.requests()) / size;
    return { wholeSeconds, copies, firstBytesMs };
  });
}

async function pullWhole(node: ClusterNode, reference: string): Promise<void> {
  await fetchContent(node.containerd, reference);
  await untilWhole(node);
}

/** containerd has all of it when it says so; a content proxy may only have promised it. */
async function untilWhole({ proxy }: ClusterNode): Promise<void> {
  if (!proxy) return;
  await pollUntil(async () => (await proxy.status()).blobs?.arriving === 0, {
    ...{ what: "the promised blobs", withinMs: 10 * 60_000, intervalMs: wholeIntervalMs },
  });
}

async function firstBytesIn(
  { nodes, seeder }: Cluster,
  options: { readonly signal: AbortSignal },
): Promise<readonly number[]> {
  assert(seeder);
  const atSeeder = untilFirstBytesAt(seeder, options);
  const atNodes = nodes.map(({ storePath }) => untilFirstBytesIn(storePath, options));
  const [firstMs, ...nodesMs] = await Promise.all([atSeeder, ...atNodes]);
  return nodesMs.map((ms) => ms - firstMs);
}
