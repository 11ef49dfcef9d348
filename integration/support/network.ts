import { readdir } from "node:fs/promises";
import { existsSync } from "node:fs";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { IpFamily } from "../../core/ip-address.ts";
import { ensurePackages } from "./apt-packages.ts";
import { runCommand } from "./command.ts";

/** A host of our own: an address, in a network namespace if there are such. */
export interface NetworkHost {
  readonly name: string;
  /** The network namespace, as `ip netns` and `nsenter` name it; none on loopback. */
  readonly netns: string | undefined;
  /** Without brackets; `formatPeerAddress()` and URLs want them around one of IPv6. */
  readonly address: string;
}

export interface NetworkOptions {
  /** Names of the hosts; each makes a namespace. */
  readonly hosts: readonly string[];
  /** Bounds what each of these hosts sends, and what it receives, each by itself. */
  readonly bitsPerSecond?: Readonly<Record<string, number>>;
  /** Parts of the network that have switches of their own; all other hosts are beside them. */
  readonly zones?: readonly NetworkZone[];
  /** The only addresses that hosts have, beside those of loopback; IPv4 unless told otherwise. */
  readonly family?: IpFamily | undefined;
  /** Longest packet of all hosts' links, in bytes; Ethernet's 1500 unless told otherwise. */
  readonly packetBytesMax?: number | undefined;
}

/** Some hosts, and the way between them and all others. */
export interface NetworkZone {
  readonly hosts: readonly string[];
  /** Bounds what goes into the zone, and what goes out of it, each by itself. */
  readonly bitsPerSecond: number;
}

/** What went over the border of a zone, with what all protocols add, in bytes. */
export interface BorderTraffic {
  readonly into: number;
  readonly out: number;
}

/** Dispose of it to remove all namespaces; processes in them should be gone by then. */
export interface Network extends AsyncDisposable {
  /** @throws {Error} when there is no host of that name. */
  host(name: string): NetworkHost;
  readonly hosts: readonly NetworkHost[];
  /** What went over the borders so far, in the order of {@link NetworkOptions.zones}. */
  borderTraffic(): Promise<readonly BorderTraffic[]>;
}

/**
 * Makes hosts that are only addresses of this machine's loopback, for machines
 * that have no network namespaces. Each has all ports to itself as long as nothing else
 * listens on all addresses; nothing bounds their rates.
 */
export function createLoopbackNetwork(names: readonly string[]): Network {
  const hosts = names.map((name, index): NetworkHost => {
    return { name, netns: undefined, address: `${loopbackPrefix}${index + 1}` };
  });
  return {
    hosts,
    host: (name) => findHost(hosts, name),
    borderTraffic: async () => [],
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Whether this machine lets us make network namespaces. */
export async function hasNetworkNamespaces(): Promise<boolean> {
  const name = `shoal-${process.pid}-trial`;
  try {
    await runCommand(["ip", "netns", "add", name]);
    await runCommand(["ip", "netns", "delete", name]);
    return true;
  } catch {
    return false;
  }
}

/** Addresses exist inside our namespaces only: nothing of the machine can clash with them. */
const addressPrefixes = { 4: "10.77.0.", 6: "fd00:77::" } as const;

const networkLengths = { 4: 24, 6: 64 } as const;

/** All of 127.0.0.0/8 is this machine; this part has no other users. */
const loopbackPrefix = "127.77.0.";

/** More than what one segmentation offload hands over at once, or the bound is never reached. */
const burstBytes = 256 * 1024;

/** The end of the way out of a zone, on the zone's side. */
const borderDevice = "border";

let networksMade = 0;

/**
 * Makes hosts that are connected by a switch, all in namespaces of their own;
 * the machine's own network is neither used nor changed, nor can it reach them:
 * run a program inside with `netns`, or reach in with `openTunnel()`.
 */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  await ensurePackages(["iproute2"]);
  await removeLeftovers();
  const prefix = `shoal-${process.pid}-${networksMade++}`;
  const { family = 4 } = options;
  const made = new DisposeStack();
  const addNamespace = async (netns: string) => {
    await runCommand(["ip", "netns", "add", netns]);
    made.defer(() => runCommand(["ip", "netns", "delete", netns]));
    await runCommand(["ip", "-n", netns, "link", "set", "lo", "up"]);
  };
  try {
    const hub = `${prefix}-hub`;
    const addHub = async (netns: string) => {
      await addNamespace(netns);
      await runBatch(netns, ["link add switch type bridge", "link set switch up"]);
    };
    await addHub(hub);
    const { zones = [] } = options;
    const zoneHubs = zones.map((_, index) => `${hub}-zone${index}`);
    for (const [index, zoneHub] of zoneHubs.entries()) {
      await addHub(zoneHub);
      await connectZone({ hub, port: `zone${index}`, zoneHub });
      const rate = zones[index]?.bitsPerSecond ?? 0;
      await limitRate(zoneHub, borderDevice, rate);
      await limitRate(hub, `zone${index}`, rate);
    }
    const hubOf = (name: string) =>
      zoneHubs[zones.findIndex((zone) => zone.hosts.includes(name))] ?? hub;
    const hosts: NetworkHost[] = [];
    for (const [index, name] of options.hosts.entries()) {
      const netns = `${prefix}-${name}`;
      const address = `${addressPrefixes[family]}${(index + 1).toString(family === 6 ? 16 : 10)}`;
      const port = `port${index}`;
      await addNamespace(netns);
      const ownHub = hubOf(name);
      const { packetBytesMax } = options;
      await connectToHub({ hub: ownHub, port, netns, address, family, packetBytesMax });
      const rate = options.bitsPerSecond?.[name];
      if (rate !== undefined) {
        await limitRate(netns, "eth0", rate);
        await limitRate(ownHub, port, rate);
      }
      hosts.push({ name, netns, address });
    }
    return {
      hosts,
      host: (name) => findHost(hosts, name),
      borderTraffic: () => Promise.all(zoneHubs.map(borderTrafficOf)),
      [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
    };
  } catch (error) {
    return made.disposeAfter(error);
  }
}

function findHost(hosts: readonly NetworkHost[], name: string): NetworkHost {
  const host = hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`The network has no host ${JSON.stringify(name)}`);
  return host;
}

interface Cable {
  readonly hub: string;
  /** Name of the hub's end. */
  readonly port: string;
  readonly netns: string;
  readonly address: string;
  readonly family: IpFamily;
  readonly packetBytesMax: number | undefined;
}

async function connectToHub(cable: Cable): Promise<void> {
  const { hub, port, netns, address, family, packetBytesMax } = cable;
  const size = packetBytesMax === undefined ? "" : ` mtu ${packetBytesMax}`;
  await runBatch(hub, [
    `link add ${port}${size} type veth peer name eth0${size} netns ${netns}`,
    `link set ${port} master switch up`,
  ]);
  const place = `${address}/${networkLengths[family]}`;
  // Nobody else has it: the second in which IPv6 would find that out is not spent.
  const options = family === 6 ? " nodad" : "";
  await runBatch(netns, [`addr add ${place} dev eth0${options}`, "link set eth0 up"]);
}

async function connectZone(cable: {
  readonly hub: string;
  readonly port: string;
  readonly zoneHub: string;
}): Promise<void> {
  const { hub, port, zoneHub } = cable;
  await runBatch(hub, [
    `link add ${port} type veth peer name ${borderDevice} netns ${zoneHub}`,
    `link set ${port} master switch up`,
  ]);
  await runBatch(zoneHub, [`link set ${borderDevice} master switch up`]);
}

async function borderTrafficOf(zoneHub: string): Promise<BorderTraffic> {
  const argv = [
    "ip",
    "-n",
    zoneHub,
    "-stats",
    "-json",
    "link",
    "show",
    "dev",
    borderDevice,
  ] as const;
  const { stdout } = await runCommand([...argv]);
  const into = Number(/"rx":\{"bytes":(\d+)/.exec(stdout)?.[1]);
  const out = Number(/"tx":\{"bytes":(\d+)/.exec(stdout)?.[1]);
  if (!Number.isSafeInteger(into + out)) throw new Error("Cannot read what went over a border");
  return { into, out };
}

async function runBatch(netns: string, lines: readonly string[]): Promise<void> {
  await runCommand(["ip", "-n", netns, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Bounds what leaves by a device. */
async function limitRate(netns: string, device: string, bitsPerSecond: number): Promise<void> {
  const shape = ["rate", `${bitsPerSecond}bit`, "burst", `${burstBytes}`, "latency", "50ms"];
  const argv = ["tc", "-n", netns, "qdisc", "add", "dev", device, "root", "tbf"] as const;
  await runCommand([...argv, ...shape]);
}

/** Removes the namespaces of runs that were killed: their names tell whose they were. */
async function removeLeftovers(): Promise<void> {
  const names = await readdir("/run/netns").catch(() => []);
  for (const name of names) {
    const owner = /^shoal-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    // Another run may be doing the same at this moment.
    await runCommand(["ip", "netns", "delete", name]).catch(() => undefined);
  }
}
