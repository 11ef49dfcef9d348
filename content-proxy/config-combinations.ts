import type { Combination } from "../core/config/combination.ts";
import { overlappingListeners } from "../core/config/overlapping-listeners.ts";
import { isAtOrBelow } from "../core/config/path-containment.ts";
import { repeatedHosts } from "../core/config/registry-schema.ts";
import type { ContentProxyConfig } from "./config.ts";

/** Peers of one blob, where the file does not say: contradicts nobody who allows few connections. */
export const peersPerBlobDefault = 16;

const listeners: Combination<ContentProxyConfig> = {
  reads: ["swarm.listen", "admin.listen", "mirror.enabled", "mirror.listen", "mirror.ports"],
  problemsIn: ({ swarm, admin, mirror }) =>
    overlappingListeners([
      { path: ["swarm", "listen"], address: swarm.listen },
      { path: ["admin", "listen"], address: admin.listen },
      ...(mirror.enabled
        ? [
            { path: ["mirror", "listen"], address: mirror.listen },
            ...mirror.ports.map(({ listen }, index) => {
              return { path: ["mirror", "ports", index, "listen"], address: listen };
            }),
          ]
        : []),
    ]),
};

const socketBesideStore: Combination<ContentProxyConfig> = {
  reads: ["store.root", "store.socket"],
  *problemsIn({ store: { root, socket } }) {
    if (!isAtOrBelow(root, socket)) return;
    const message = `is ${JSON.stringify(socket)}, where store.root is, want another path`;
    yield { path: ["store", "socket"], message };
  },
};

const socketOfOurOwn: Combination<ContentProxyConfig> = {
  reads: ["store.socket", "containerd.address"],
  *problemsIn({ store: { socket }, containerd: { address } }) {
    if (socket !== address) return;
    const message = `is containerd.address, ${JSON.stringify(socket)}, want a socket of our own`;
    yield { path: ["store", "socket"], message };
  },
};

/** What a store keeps in its root; other folders there are nobody's. */
const storeFolders = ["blobs", "ingest", "shoal"] as const;

const snapshotsBesideStore: Combination<ContentProxyConfig> = {
  reads: ["store.root", "snapshots.enabled", "snapshots.root"],
  *problemsIn({ store, snapshots: { enabled, root } }) {
    const taken = storeFolders.map((name) => `${store.root}/${name}`);
    const isInStore = root === store.root || taken.some((folder) => isAtOrBelow(root, folder));
    if (!enabled || !(isInStore || isAtOrBelow(store.root, root))) return;
    const other = `store.root (${JSON.stringify(store.root)})`;
    const message = `is ${JSON.stringify(root)}, want a folder that is not of ${other} nor around it`;
    yield { path: ["snapshots", "root"], message };
  },
};

const connections: Combination<ContentProxyConfig> = {
  reads: ["swarm.peersPerBlobMax", "swarm.connectionsMax"],
  *problemsIn({ swarm: { peersPerBlobMax, connectionsMax } }) {
    if (peersPerBlobMax <= connectionsMax || peersPerBlobMax === peersPerBlobDefault) return;
    const message = `is ${peersPerBlobMax}, want at most swarm.connectionsMax, ${connectionsMax}`;
    yield { path: ["swarm", "peersPerBlobMax"], message };
  },
};

const registries: Combination<ContentProxyConfig> = {
  reads: ["origin.registries"],
  problemsIn: ({ origin }) => repeatedHosts(origin.registries, ["origin", "registries"]),
};

/** What keys of the content proxy's configuration must be together. */
export const contentProxyCombinations = [
  listeners,
  socketBesideStore,
  socketOfOurOwn,
  snapshotsBesideStore,
  connections,
  registries,
] as const;
