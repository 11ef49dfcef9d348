import type { ServerResponse } from "node:http";

/**
 * Resolves when all of an answer that was ended is the system's, and no memory of ours any more. A
 * client that does not take it within that time is cut off.
 */
export async function waitSent(response: ServerResponse, withinMs: number): Promise<void> {
  if (response.writableFinished || response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => response.destroy(), withinMs);
  const onSent = () => resolve(undefined);
  response.once("finish", onSent).once("close", onSent);
  await promise;
  clearTimeout(timer);
}
