import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { ServiceConfig } from "./service-config.ts";

/** What services are started with. */
export interface ServiceDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A service that runs. Dispose of it to stop it. */
export interface RunningService extends AsyncDisposable {
  /**
   * Reads its configuration again, and takes over what can change while it runs.
   *
   * @throws {ConfigError} when it is wrong, and what reading a file throws; nothing changes then.
   */
  reload(): Promise<void>;
}

/**
 * Starts a service, whose code alone is loaded. Resolves when it serves; dispose of the
 * result to stop it. On failure nothing is left open.
 *
 * @param configured.readConfig Reads the configuration when it is to be read again.
 */
export async function startService(
  configured: ServiceConfig & { readonly readConfig: () => Promise<ServiceConfig> },
  deps: ServiceDeps,
  options: Cancellable,
): Promise<RunningService> {
  const { service, config, readConfig } = configured;
  switch (service) {
    case "content-proxy": {
      const { startContentProxy } = await import("../content-proxy/service.ts");
      const running = await startContentProxy(config, deps, options);
      const reload = async () => {
        const next = await readConfig();
        if (next.service === service) running.reload(next.config);
      };
      return { ...running, reload };
    }
    case "seeder": {
      const { startSeeder } = await import("../seeder/service.ts");
      const running = await startSeeder(config, deps, options);
      const reload = async () => {
        const next = await readConfig();
        if (next.service === service) running.reload(next.config);
      };
      return { ...running, reload };
    }
    case "tracker": {
      const { startTracker } = await import("../tracker/service.ts");
      const running = await startTracker(config, deps, options);
      // Nothing of a tracker can change, but a mistake is told.
      const reload = async () => {
        await readConfig();
      };
      return { ...running, reload };
    }
  }
}
