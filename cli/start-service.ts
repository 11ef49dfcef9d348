import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { ServiceConfig } from "./service-config.ts";

/** What services are started with. */
export interface ServiceDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Starts a service, whose code alone is loaded. Resolves when it serves; dispose of the
 * result to stop it. On failure nothing is left open.
 */
export async function startService(
  { service, config }: ServiceConfig,
  deps: ServiceDeps,
  options: Cancellable,
): Promise<AsyncDisposable> {
  switch (service) {
    case "content-proxy": {
      const { startContentProxy } = await import("../content-proxy/service.ts");
      return startContentProxy(config, deps, options);
    }
    case "seeder": {
      const { startSeeder } = await import("../seeder/service.ts");
      return startSeeder(config, deps, options);
    }
    case "tracker": {
      const { startTracker } = await import("../tracker/service.ts");
      return startTracker(config, deps, options);
    }
  }
}
