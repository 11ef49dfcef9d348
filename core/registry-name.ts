import { isRegistry } from "./image-reference.ts";
import { formatIp, isLoopbackIp, parseIp } from "./ip-address.ts";

/** Names under which Docker Hub is known; its own in references is the first. */
const hubNames = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/** The host by which references name a registry that goes by several, and addresses in one form. */
export function canonicalRegistry(registry: string): string {
  const name = registry.toLowerCase();
  return hubNames.includes(name) ? "docker.io" : withNormalAddress(name);
}

/** An address in brackets in its one form, so that equal ones are equal. */
function withNormalAddress(name: string): string {
  const [, address = "", port = ""] = /^\[([^\]]*)\](:[0-9]+)?$/.exec(name) ?? [];
  const bytes = parseIp(address);
  if (!bytes) return name;
  const host = formatIp(bytes);
  return `${host.includes(":") ? `[${host}]` : host}${port}`;
}

/** Whether a registry is on this machine: Docker and containerd, too, speak plain HTTP with it. */
export function isLoopbackRegistry(registry: string): boolean {
  const host = registry.replace(/:[0-9]+$/, "");
  return host === "localhost" || isLoopbackIp(host.replace(/^\[(.*)\]$/, "$1"));
}

/**
 * Whether a host is a name in somebody else's network: neither an address, in any of the forms
 * that are looked up as one, nor this machine. Who lets others choose a registry asks no other
 * hosts but those that are configured: they may be services that only this machine can reach.
 */
export function isForeignName(registry: string): boolean {
  if (!isRegistry(registry) || !URL.canParse(`http://${registry}`)) return false;
  return hasForeignName(new URL(`http://${registry}`));
}

/** Whether a URL leads to a host that {@link isForeignName} is true of. */
export function hasForeignName({ hostname }: URL): boolean {
  const name = hostname.replace(/\.$/, "");
  return !name.startsWith("[") && !isIPv4(name) && !/(?:^|\.)localhost$/.test(name);
}

/** URLs write IPv4 addresses in one form, however they were given. */
function isIPv4(name: string): boolean {
  return /^[0-9]+(?:\.[0-9]+){3}$/.test(name);
}
