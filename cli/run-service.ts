import { once } from "node:events";

import { codeOf } from "../core/errors.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import { type LogLevel, createJsonLogger } from "../core/system/json-logger.ts";
import type { Logger } from "../core/ports/logger.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import type { ServiceName } from "../core/service-status.ts";
import type { CliContext } from "./cli-context.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { failureFields } from "./failure-fields.ts";
import { notifySystemd } from "./notify-systemd.ts";
import { watchBySystemd } from "./systemd-watchdog.ts";
import type { RunningService, ServiceDeps } from "./start-service.ts";

/**
 * How long a service may take to stop: it lets go of peers and writes its state in far
 * less. Below the 90 s after which systemd kills, and the 30 s of Kubernetes.
 */
const drainMs = 20_000;

/** How a service is run. */
export interface RunServiceOptions {
  readonly service: ServiceName;
  readonly start: (deps: ServiceDeps, options: Cancellable) => Promise<RunningService>;
  readonly level: LogLevel;
}

/** Runs a service until the context's signal is aborted. */
export async function runService(
  { service, start, level }: RunServiceOptions,
  context: CliContext,
): Promise<ExitCode> {
  const { signal, environment } = context;
  const logger = createJsonLogger({
    level,
    text: context.stderr.isTerminal,
    destination: context.stderr,
  }).with({ service });
  const state: { running?: RunningService; isReloadDue: boolean } = { isReloadDue: false };
  // From now on: by default SIGHUP ends a process, and a start can take minutes.
  context.onReload(() => {
    if (state.running) void reload(state.running, logger);
    else state.isReloadDue = true;
  });
  try {
    const running = await start({ logger, clock: new SystemClock() }, { signal });
    state.running = running;
    logger.info("ready", addressesOf(running));
    if (state.isReloadDue) void reload(running, logger);
    await notifySystemd("ready", environment);
    const watched = watchBySystemd(environment);
    if (!signal.aborted) await once(signal, "abort");
    watched[Symbol.dispose]();
    logger.info("stopping");
    context.cutAfter(drainMs);
    const told = notifySystemd("stopping", environment);
    await running[Symbol.asyncDispose]();
    await told;
    logger.info("stopped");
    return exitCodes.ok;
  } catch (error) {
    // Asked to stop before it was ready.
    if (signal.aborted && codeOf(error) === "canceled") return exitCodes.ok;
    logger.error("failed", failureFields(error));
    return exitCodes.failure;
  }
}

/** A mistake in the new configuration leaves all as it is. */
async function reload(running: RunningService, logger: Logger): Promise<void> {
  try {
    await running.reload();
    logger.info("reloaded");
  } catch (error) {
    logger.error("cannot reload", failureFields(error));
  }
}

/** Ports, addresses and paths that the service shows: its own plain fields. */
function addressesOf(running: AsyncDisposable): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(running).filter(([, value]) => typeof value !== "function"),
  );
}
