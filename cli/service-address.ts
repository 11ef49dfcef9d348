import { networkInterfaces } from "node:os";

import { httpUrl } from "../core/config/fields.ts";
import { serviceOfConfig } from "../core/config/service-of-config.ts";
import { InvalidArgumentError } from "../core/errors.ts";
import { type PeerAddress, formatPeerAddress } from "../core/peer-address.ts";
import { type ConfigText, type ServiceConfig, parseServiceConfig } from "./service-config.ts";

/** Checks a base URL that a person gave. @throws {InvalidArgumentError} */
export function serviceUrl(text: string): string {
  const result = httpUrl().safeParse(text);
  if (result.success) return result.data;
  throw new InvalidArgumentError(
    `Cannot use the URL: it ${result.error.issues[0]?.message ?? "is not one"}`,
  );
}

/**
 * Where the service of a configuration tells of itself.
 *
 * @throws {ConfigError} and {InvalidArgumentError} when it does not say which it is for.
 */
export async function adminUrlOf(source: ConfigText): Promise<string> {
  const { service, config } = await parseAny(source);
  switch (service) {
    case "content-proxy":
      return urlOfListener(config.admin.listen);
    case "seeder":
      return urlOfListener(config.listen);
    case "tracker":
      return urlOfListener(config.listen.http);
  }
}

/**
 * The seeders that a configuration names: those of a content proxy, or itself.
 *
 * @throws {ConfigError} and {InvalidArgumentError} when it names none.
 */
export async function seederUrlsOf(source: ConfigText): Promise<readonly string[]> {
  const { service, config } = await parseAny(source);
  if (service === "seeder") return [urlOfListener(config.listen)];
  if (service === "content-proxy" && config.seeders.length > 0) return config.seeders;
  throw new InvalidArgumentError(`Cannot find a seeder in ${source.file}: it names none`);
}

async function parseAny(source: ConfigText): Promise<ServiceConfig> {
  const service = serviceOfConfig(source.text, source.file);
  if (service !== undefined) return parseServiceConfig(service, source);
  throw new InvalidArgumentError(
    `Cannot use ${source.file}: it has no key "service" with a service's name`,
  );
}

/** Who listens on all addresses is reached on this machine's own; where it has no IPv6, by IPv4. */
function urlOfListener({ host, port }: PeerAddress): string {
  const ownHost = host === "::" && hasIpv6() ? "::1" : "127.0.0.1";
  const reachable = host === "0.0.0.0" || host === "::" ? ownHost : host;
  return `http://${formatPeerAddress({ host: reachable, port })}`;
}

function hasIpv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.some(({ address }) => address === "::1");
}
