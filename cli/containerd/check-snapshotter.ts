import { stat } from "node:fs/promises";

import { type ContainerdConfig, isAt, type ProxyPlugin } from "./containerd-config.ts";
import { type Finding, good, wrong } from "./finding.ts";
import { findLoadedPlugin } from "./loaded-plugin.ts";
import { probeSnapshotter } from "./probe-socket.ts";
import { snapshotterId } from "./snapshotter-change.ts";

/** What containerd calls plugins of this kind; files may say "snapshot". */
const pluginType = "io.containerd.snapshotter.v1";

/** Where the two daemons are reached. */
interface Sockets {
  readonly socket: string;
  readonly containerdSocket: string;
}

/**
 * Tells what is right and wrong with our snapshotter, if a configuration names it.
 *
 * @param configs The file that containerd reads, then those that it imports.
 */
export async function checkSnapshotter(
  configs: readonly ContainerdConfig[],
  { socket, containerdSocket }: Sockets,
): Promise<Finding[]> {
  const plugin = configs
    .flatMap(({ proxyPlugins }) => proxyPlugins)
    .findLast(({ id }) => id === snapshotterId);
  if (!plugin) return [good("containerd unpacks images by itself: the snapshotter is not enabled")];
  return [
    checkPlugin(plugin, socket),
    await checkRoot(plugin),
    checkCri(configs),
    checkTransfer(configs),
    await checkService(socket),
    await checkLoaded(containerdSocket),
  ];
}

function checkPlugin(plugin: ProxyPlugin, socket: string): Finding {
  const isSnapshotter = plugin.type === "snapshot" || plugin.type === pluginType;
  return isSnapshotter && isAt(plugin, socket)
    ? good(`proxy plugin "${snapshotterId}" is the snapshotter at ${socket}`)
    : wrong(
        `proxy plugin "${snapshotterId}" is not the snapshotter at ${socket}; ` +
          "run `shoal containerd enable --snapshotter`",
      );
}

/** The CRI tells the kubelet how full the disk with this folder is. */
async function checkRoot({ root }: ProxyPlugin): Promise<Finding> {
  if (root === undefined) return wrong(`proxy plugin "${snapshotterId}" does not export its root`);
  const stats = await stat(root).catch(() => undefined);
  if (stats?.isDirectory()) return good(`snapshots are in ${root}`);
  return wrong(`${root} is no folder; it is made when the content proxy starts with snapshots`);
}

/** What is imported last counts. */
function checkCri(configs: readonly ContainerdConfig[]): Finding {
  const name = configs.findLast((config) => config.criSnapshotter !== undefined)?.criSnapshotter;
  return name === snapshotterId
    ? good(`the CRI unpacks with "${snapshotterId}"`)
    : wrong(`the CRI unpacks with "${name ?? "overlayfs"}", so the kubelet's pulls do not use it`);
}

function checkTransfer(configs: readonly ContainerdConfig[]): Finding {
  const names = configs.flatMap(({ unpackSnapshotters }) => unpackSnapshotters ?? []);
  return names.includes(snapshotterId)
    ? good(`the transfer service unpacks for "${snapshotterId}"`)
    : wrong(
        `unpack_config of the transfer service does not have "${snapshotterId}": ` +
          "containerd 2.x cannot pull with it",
      );
}

async function checkService(socket: string): Promise<Finding> {
  try {
    await probeSnapshotter(socket);
    return good(`a snapshotter answers at ${socket}`);
  } catch (error) {
    const why = (error as Error).message;
    return wrong(
      `no snapshotter answers at ${socket}: ${why}; ` +
        "is the content proxy running, with snapshots.enabled?",
    );
  }
}

async function checkLoaded(containerdSocket: string): Promise<Finding> {
  try {
    const plugin = await findLoadedPlugin(containerdSocket, {
      ...{ type: pluginType, id: snapshotterId },
    });
    if (!plugin) {
      return wrong(`the running containerd has no snapshotter "${snapshotterId}"; restart it`);
    }
    return plugin.problem === undefined
      ? good(`the running containerd has the snapshotter "${snapshotterId}"`)
      : wrong(`containerd could not start its snapshotter "${snapshotterId}": ${plugin.problem}`);
  } catch (error) {
    const why = (error as Error).message;
    return wrong(`containerd does not answer at ${containerdSocket}; is it running? ${why}`);
  }
}
