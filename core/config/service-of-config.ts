import { ConfigError } from "../errors.ts";
import type { ServiceName } from "../service-status.ts";
import { describeValue } from "./describe-value.ts";
import { YamlSource } from "./yaml-source.ts";

/** The services that a configuration may be for. */
export const serviceNames = [
  "content-proxy",
  "seeder",
  "tracker",
] as const satisfies readonly ServiceName[];

/**
 * The service that a configuration says it is for by its key `service`; `undefined` when
 * it does not say.
 *
 * @throws {ConfigError} when it names none of ours, and with all problems when it cannot be read.
 */
export function serviceOfConfig(text: string, file: string): ServiceName | undefined {
  const source = new YamlSource(text, file);
  const { value, problems } = source;
  if (problems.length > 0) throw new ConfigError(problems);
  if (typeof value !== "object" || value === null || !("service" in value)) return undefined;
  const service = serviceNames.find((name) => name === value.service);
  if (service !== undefined) return service;
  throw new ConfigError([
    `${source.place(["service"])}: service: ${describeValue(value.service)}, want one of ${serviceNames.join(", ")}`,
  ]);
}
