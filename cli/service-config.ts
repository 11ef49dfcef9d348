import type { ContentProxyConfig } from "../content-proxy/config.ts";
import type { Environment } from "../core/config/environment-overrides.ts";
import { serviceOfConfig } from "../core/config/service-of-config.ts";
import { ConfigError } from "../core/errors.ts";
import type { ServiceName } from "../core/service-status.ts";
import type { SeederConfig } from "../seeder/config.ts";
import type { TrackerConfig } from "../tracker/config.ts";

/** A configuration as it was read. */
export interface ConfigText {
  readonly text: string;
  /** Name for messages. */
  readonly file: string;
  readonly environment: Environment;
}

/** The checked configuration of one of the services. */
export type ServiceConfig =
  | { readonly service: "content-proxy"; readonly config: ContentProxyConfig }
  | { readonly service: "seeder"; readonly config: SeederConfig }
  | { readonly service: "tracker"; readonly config: TrackerConfig };

/**
 * Checks a configuration, also that it is not for another service. Only that service's code is loaded.
 *
 * @throws {ConfigError} with all problems
 */
export async function parseServiceConfig(
  service: ServiceName,
  { text, file, environment }: ConfigText,
): Promise<ServiceConfig> {
  const named = serviceOfConfig(text, file) ?? service;
  if (named !== service) {
    throw new ConfigError([
      `${file}: service: is ${JSON.stringify(named)}, want ${JSON.stringify(service)}`,
    ]);
  }
  switch (service) {
    case "content-proxy": {
      const { parseContentProxyConfig } = await import("../content-proxy/config.ts");
      return { service, config: parseContentProxyConfig(text, file, { environment }) };
    }
    case "seeder": {
      const { parseSeederConfig } = await import("../seeder/config.ts");
      return { service, config: parseSeederConfig(text, file, { environment }) };
    }
    case "tracker": {
      const { parseTrackerConfig } = await import("../tracker/config.ts");
      return { service, config: parseTrackerConfig(text, file, { environment }) };
    }
  }
}
