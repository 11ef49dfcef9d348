import type { TestContext } from "node:test";

import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { IpFamily } from "../../core/ip-address.ts";
import {
  allServices,
  seederNames,
  startCluster,
  type Cluster,
  type MirrorLevel,
  type ShoalServices,
} from "./cluster.ts";
import { ensureContainerd, type ContainerdLine } from "./containerd-release.ts";
import { pushImage } from "./image-push.ts";
import { buildImage, type BuiltImage, type ImagePlan } from "./image.ts";
import { stackOf } from "./interruptible.ts";
import { createNetwork, type Network } from "./network.ts";
import { patience, patienceWithAnswers } from "./patience.ts";
import { basicCredentials, registryUser } from "./registry-auth.ts";
import { createTestDirectory } from "./test-directory.ts";

export interface TestClusterOptions {
  readonly line: ContainerdLine;
  readonly nodes: readonly string[];
  /** Hosts besides the nodes and the services, for a test's own programs. */
  readonly guests?: readonly string[];
  readonly services?: Partial<ShoalServices>;
  /** How many seeders there are; one unless told otherwise. */
  readonly seeders?: number;
  readonly withCri?: boolean;
  /** Whether the content proxies unpack images, too. */
  readonly withSnapshots?: boolean;
  /** Whether containerd asks the mirror of its node. */
  readonly mirror?: MirrorLevel;
  /** Names, beside its own, by which our services know the registry. */
  readonly registryNames?: readonly string[];
  /** The guest by which everybody reaches the registry; see `startFront()`. */
  readonly front?: string;
  /** Bounds what each of these hosts sends, and what it receives. */
  readonly bitsPerSecond?: Readonly<Record<string, number>>;
  /** The only addresses that there are; IPv4 unless told otherwise. */
  readonly family?: IpFamily;
  /** Labels of nodes, by their names, for preheats to choose them by. */
  readonly nodeLabels?: Readonly<Record<string, object>>;
  /** Sections of the content proxies' configuration that are not as usual. */
  readonly contentProxy?: Readonly<Record<string, object>> | ((network: Network) => object);
  /** The same of single nodes, by their names: each takes the place of a section of that name. */
  readonly contentProxyOf?: Readonly<Record<string, object>>;
  /**
   * Whether nodes wait no longer than those of users: for tests in which they wait in vain. "stalls":
   * only for who has begun to give.
   */
  readonly isHasty?: boolean | "stalls";
  /** Sections of the seeders' configuration that are not as usual. */
  readonly seeder?: object;
  /** Whether the registry wants a password, which the seeders have, or tokens that cost one. */
  readonly isPrivate?: boolean | "token";
}

/** An image in the registry of a cluster. */
export interface PushedImage {
  readonly image: BuiltImage;
  /** Its name in the registry. */
  readonly reference: string;
}

/** A cluster that a test owns. */
export interface TestCluster extends Cluster {
  readonly stack: DisposeStack;
  readonly directory: string;
  readonly network: Network;
  /** Pushes an image, and has the registry forget what it was asked so far. */
  push(plan: ImagePlan, options?: { readonly name?: string }): Promise<PushedImage>;
}

/** Starts a cluster that lives as long as a test and those in it. */
export async function startTestCluster(
  t: TestContext,
  options: TestClusterOptions,
): Promise<TestCluster> {
  const { line, nodes, guests = [], bitsPerSecond = {}, withCri = false } = options;
  const stack = stackOf(t);
  const directory = (await createTestDirectory(t, stack)).path;
  const hosts = ["registry", "tracker", ...seederNames(options.seeders), ...nodes, ...guests];
  const network = stack.use(await createNetwork({ hosts, bitsPerSecond, family: options.family }));
  const release = await ensureContainerd(line);
  const services = { ...allServices, ...options.services };
  const { contentProxyOf, seeder, withSnapshots, isPrivate = false } = options;
  const contentProxy =
    typeof options.contentProxy === "function"
      ? options.contentProxy(network)
      : options.contentProxy;
  const { mirror, registryNames, front, nodeLabels, seeders, isHasty = false } = options;
  const place = { network, directory };
  const cluster = stack.use(
    await startCluster({
      ...{ ...place, nodes, release, services },
      ...{ withCri, withSnapshots, contentProxy, contentProxyOf, seeder, isPrivate },
      ...{ mirror, registryNames, front, nodeLabels, seeders },
      ...(isHasty !== true && { patience: isHasty ? patienceWithAnswers : patience }),
    }),
  );
  let imagesPushed = 0;
  const push: TestCluster["push"] = async (
    plan,
    { name = `samples/app${++imagesPushed}:1` } = {},
  ) => {
    const image = await buildImage(plan);
    const [repository = name] = name.split(":");
    const byPassword = isPrivate ? basicCredentials(registryUser) : undefined;
    const authorization = cluster.tokens?.authorizationFor(repository) ?? byPassword;
    const reference = await pushImage(image, cluster.registry, { name, authorization });
    await cluster.registry.forgetRequests();
    return { image, reference };
  };
  return { ...cluster, stack, directory, network, push };
}
