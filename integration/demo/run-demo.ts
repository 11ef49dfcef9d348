import assert from "node:assert/strict";

import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { downloadedBytes, type RegistryRequest } from "../support/access-log.ts";
import { ensurePackages } from "../support/apt-packages.ts";
import { allServices, noServices, startCluster, type ClusterNode } from "../support/cluster.ts";
import { ensureInstalledContainerd } from "../support/containerd-release.ts";
import { pushImage } from "../support/image-push.ts";
import { buildImage, sizeOfManifest } from "../support/image.ts";
import {
  createLoopbackNetwork,
  createNetwork,
  hasNetworkNamespaces,
  type Network,
} from "../support/network.ts";
import { largeImage } from "../support/sample-images.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { preheat } from "../support/preheat.ts";
import { formatBytes, formatSeconds, formatTable } from "./table.ts";

const nodeNames = ["node1", "node2", "node3"] as const;

/** Less would be over before there is anything to see. */
const imageSizeMinBytes = 300_000_000;

/** What it uses of Debian. */
export const demoPackages = [
  ...["containerd", "runc", "docker-registry", "busybox-static", "iproute2"],
] as const;

/** What one node's pull took. */
interface PullReport {
  readonly node: ClusterNode;
  readonly durationMs: number;
}

export interface DemoContext {
  /** Owns all that the demo starts. */
  readonly stack: DisposeStack;
  /** Whether containerd does all by itself, without any service of ours. */
  readonly isPlain: boolean;
  readonly signal: AbortSignal;
}

/** Shows the whole of it, step by step, and prints what came from where. */
export async function runDemo({ stack, isPlain, signal }: DemoContext): Promise<void> {
  const step = (text: string) => {
    signal.throwIfAborted();
    process.stdout.write(`• ${text}\n`);
  };
  step("Installing what is missing");
  await ensurePackages(demoPackages);
  const release = await ensureInstalledContainerd();

  step("Making an image of files of this machine");
  const image = await buildImage(largeImage("demo"), { signal });
  const [manifest] = image.manifests;
  assert(manifest !== undefined);
  assert(sizeOfManifest(manifest) >= imageSizeMinBytes);
  const sizeText = formatBytes(sizeOfManifest(manifest));

  step(`Starting a registry${isPlain ? "" : ", a tracker, a seeder"} and the nodes`);
  const directory = stack.use(await createTemporaryDirectory());
  const network = stack.use(await createDemoNetwork());
  const cluster = stack.use(
    await startCluster(
      {
        ...{ network, nodes: nodeNames, release, directory: directory.path },
        services: isPlain ? noServices : allServices,
      },
      { signal },
    ),
  );

  step(`Pushing the image: ${sizeText} in ${manifest.layers.length} layers`);
  const reference = await pushImage(image, cluster.registry, { name: "demo/machine:1" });
  if (cluster.seeder !== undefined) {
    step("Preheating the seeder");
    await preheat(reference, { seeder: cluster.seeder, signal });
  }
  const before = await cluster.registry.requests();

  step(`Pulling it on ${nodeNames.length} nodes at once, with containerd ${release.version}`);
  const pulls = await Promise.all(
    cluster.nodes.map((node) => pullTimed(node, { reference, signal })),
  );

  step("Running a container from it on each node");
  for (const { containerd } of cluster.nodes) {
    const said = await containerd.runContainer(reference, ["cat", "/etc/shoal-image"]);
    assert.equal(said, "demo\n");
  }

  const requests = (await cluster.registry.requests()).slice(before.length);
  process.stdout.write(`\n${formatTable(await rowsOf(pulls, requests))}\n`);
  process.stdout.write(
    `The registry was asked for ${formatBytes(downloadedBytes(before))} by the `,
  );
  process.stdout.write(
    `seeder, and for ${formatBytes(downloadedBytes(requests))} by the nodes.\n\n`,
  );
}

async function createDemoNetwork(): Promise<Network> {
  const hosts = ["registry", "tracker", "seeder", ...nodeNames];
  if (await hasNetworkNamespaces()) return createNetwork({ hosts });
  process.stdout.write("  (no network namespaces here: the nodes share the loopback)\n");
  return createLoopbackNetwork(hosts);
}

async function pullTimed(
  node: ClusterNode,
  { reference, signal }: { readonly reference: string; readonly signal: AbortSignal },
): Promise<PullReport> {
  const start = performance.now();
  await node.containerd.pull(reference, { signal });
  return { node, durationMs: performance.now() - start };
}

async function rowsOf(
  pulls: readonly PullReport[],
  requests: readonly RegistryRequest[],
): Promise<string[][]> {
  const rows = [["node", "time", "from registry", "from seeder", "from peers"]];
  for (const { node, durationMs } of pulls) {
    const mine = requests.filter(({ client }) => client === node.host.address);
    const traffic = (await node.proxy?.status())?.traffic;
    // Nodes that share the loopback look the same to the registry.
    const fromRegistry =
      node.host.netns === undefined ? traffic?.originBytes : downloadedBytes(mine);
    const { seeders = 0, webSeeds = 0, peers = 0 } = traffic?.received ?? {};
    const bytes = [fromRegistry, seeders + webSeeds, peers].map(formatBytes);
    rows.push([node.name, formatSeconds(durationMs), ...bytes]);
  }
  return rows;
}
