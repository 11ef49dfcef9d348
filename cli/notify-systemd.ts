import { execFile } from "node:child_process";

import type { Environment } from "../core/config/environment-overrides.ts";

/** systemd's tool answers in milliseconds, but where the disk stands still that it is read from. */
const timeoutMs = 15_000;

/** What a service tells systemd. */
export type ServiceState = "ready" | "alive" | "stopping";

/** How systemd's tool is told. */
const argumentsOf = { ready: "--ready", alive: "WATCHDOG=1", stopping: "STOPPING=1" } as const;

/**
 * Tells systemd that the service is ready, alive or stopping, when systemd asked for it by
 * `NOTIFY_SOCKET`. Never fails: who is not told finds out by itself.
 *
 * Node has no datagrams on Unix sockets, so systemd's own tool sends it; the unit needs
 * `NotifyAccess=all`, for the message comes from a child.
 *
 * @see sd_notify(3)
 */
export async function notifySystemd(state: ServiceState, environment: Environment): Promise<void> {
  if (!environment["NOTIFY_SOCKET"]) return;
  const args = [argumentsOf[state]];
  await new Promise<void>((resolve) => {
    try {
      execFile("systemd-notify", args, { env: environment, timeout: timeoutMs }, () => resolve());
    } catch {
      // Without memory for a new process Node throws at once.
      resolve();
    }
  });
}
