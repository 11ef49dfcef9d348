import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { ClusterNode } from "./cluster.ts";
import type { ContainerdLine } from "./containerd-release.ts";
import type { Containerd } from "./containerd.ts";
import { CriClient } from "./cri-client.ts";
import type { ImagePlan } from "./image.ts";
import { preheat } from "./preheat.ts";
import type { Registry } from "./registry.ts";
import { pauseImage, pauseName } from "./sample-images.ts";
import type { ShoalDaemon } from "./shoal-daemon.ts";
import { untilDiskAgrees } from "./snapshot-folders.ts";
import { startTestCluster, type PushedImage, type TestCluster } from "./test-cluster.ts";

/** The namespace of the CRI. */
export const criNamespace = "k8s.io";

/** A node whose content proxy unpacks images, with all that a test asks of it. */
export class SnapshotterNode {
  readonly line: ContainerdLine;
  readonly cluster: TestCluster;
  readonly registry: Registry;
  readonly containerd: Containerd;
  readonly proxy: ShoalDaemon;
  readonly cri: CriClient;
  readonly host: ClusterNode["host"];
  readonly storePath: string;
  readonly snapshotsPath: string;
  /** Of the content proxy. */
  readonly socketPath: string;
  readonly #seeder: ShoalDaemon;

  private constructor(
    line: ContainerdLine,
    parts: {
      readonly cluster: TestCluster;
      readonly node: ClusterNode;
      readonly proxy: ShoalDaemon;
      readonly seeder: ShoalDaemon;
      readonly cri: CriClient;
    },
  ) {
    const { cluster, node } = parts;
    this.line = line;
    this.cluster = cluster;
    this.registry = cluster.registry;
    this.containerd = node.containerd;
    this.proxy = parts.proxy;
    this.cri = parts.cri;
    this.host = node.host;
    this.storePath = node.storePath;
    this.snapshotsPath = node.snapshotsPath;
    this.socketPath = join(node.containerd.directory, "content.sock");
    this.#seeder = parts.seeder;
  }

  /** Starts a cluster with one such node, which lives as long as the test. */
  static async start(t: TestContext, line: ContainerdLine): Promise<SnapshotterNode> {
    const cluster = await startTestCluster(t, {
      ...{ line, nodes: ["node1"], withCri: true, withSnapshots: true },
    });
    const { seeder } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder);
    const cri = cluster.stack.use(await CriClient.open(node.containerd.socketPath));
    const parts = { cluster, node, proxy: node.proxy, seeder, cri };
    const started = new SnapshotterNode(line, parts);
    await started.preheated(pauseImage, { name: pauseName });
    return started;
  }

  /** Pushes an image and has the seeder fetch it; the registry forgets what it was asked so far. */
  async preheated(plan: ImagePlan, options: { readonly name?: string } = {}): Promise<PushedImage> {
    const pushed = await this.cluster.push(plan, options);
    await preheat(pushed.reference, { seeder: this.#seeder });
    await this.registry.forgetRequests();
    return pushed;
  }

  /** Leaves the node alone with the registry. */
  async endServices(): Promise<void> {
    await this.#seeder.kill9();
    await this.cluster.tracker?.kill9();
  }

  /** Digests of the layers that the content proxy says it has unpacked in the last minute. */
  async unpackedLayers(): Promise<readonly string[]> {
    const { layers = [] } = await this.proxy.status();
    return layers.filter(({ state }) => state === "done").map(({ digest }) => digest);
  }

  /** Runs a command in a new container in the CRI's namespace. */
  run(reference: string, ...argv: readonly string[]): Promise<string> {
    return this.containerd.runContainer(reference, argv, { namespace: criNamespace });
  }

  /** Runs ctr in the CRI's namespace. */
  ctr(...args: readonly string[]): Promise<string> {
    return this.containerd.ctr(args, { namespace: criNamespace });
  }

  /** Waits until disk and service agree on the snapshots, and gives their names. */
  snapshotNames(): Promise<readonly string[]> {
    return untilDiskAgrees(this.socketPath, this.snapshotsPath);
  }

  /** Starts containerd anew, with our snapshotter or with its own. */
  async restartContainerd({ snapshotter }: { readonly snapshotter: boolean }): Promise<void> {
    await this.containerd.stop();
    await this.containerd.configure({
      snapshotsRoot: snapshotter ? this.snapshotsPath : undefined,
    });
    await this.containerd.resume();
    await this.cri.untilReady();
  }

  /** Removes all images of all namespaces, and has containerd collect its garbage. */
  async removeImages(): Promise<void> {
    for (const { id } of await this.cri.listImages()) await this.cri.removeImage(id);
    const namespaces = await this.containerd.ctr(["namespaces", "list", "--quiet"]);
    for (const namespace of namespaces.split("\n").filter(Boolean)) {
      const images = await this.containerd.ctr(["images", "list", "--quiet"], { namespace });
      const names = images.split("\n").filter(Boolean);
      if (names.length === 0) continue;
      await this.containerd.ctr(["images", "remove", "--sync", ...names], { namespace });
    }
  }
}
