import { z } from "zod";

import { UnavailableError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import { createDeadline } from "../../core/async/deadline.ts";
import { addressAdvice, connectionFailure } from "../connection-failure.ts";
import { readBody, refusalOf } from "../read-body.ts";

/** A daemon answers from memory; a person does not wait longer than this. */
const timeoutMs = 5000;

const count = z.number();
const received = z.object({ peers: count, seeders: count, webSeeds: count });

/** Keys that a newer service may add are let through, for `--json`. */
const statusSchema: z.ZodType<ServiceStatus> = z.looseObject({
  service: z.enum(["content-proxy", "seeder", "tracker"]),
  version: z.string(),
  uptimeMs: count,
  blobs: z
    .looseObject({
      owned: count,
      cached: count,
      arriving: count,
      bytes: count,
      budgetBytes: z.exactOptional(count),
    })
    .exactOptional(),
  ingests: z
    .array(z.looseObject({ ref: z.string(), bytes: count, size: count, from: z.string() }))
    .exactOptional(),
  swarms: z
    .array(
      z.looseObject({
        infoHash: z.string(),
        digest: z.string(),
        size: count,
        bytesDone: count,
        peers: count,
        uploadedBytes: count,
        received,
      }),
    )
    .exactOptional(),
  sources: z
    .array(
      z.looseObject({
        kind: z.enum(["tracker", "seeder", "origin"]),
        name: z.string(),
        up: z.exactOptional(z.boolean()),
        bytes: z.exactOptional(count),
        problem: z.exactOptional(z.string()),
      }),
    )
    .exactOptional(),
  layers: z
    .array(
      z.looseObject({
        chainId: z.string(),
        digest: z.string(),
        state: z.enum(["waiting", "arriving", "unpacking", "done", "failed"]),
        bytes: count,
        size: count,
        bytesPerSecond: z.exactOptional(count),
        entries: z.exactOptional(count),
      }),
    )
    .exactOptional(),
  preheats: z
    .array(
      z.looseObject({
        id: z.exactOptional(z.string()),
        image: z.string(),
        state: z.enum(["waiting", "fetching", "paused", "nodes"]),
        bytes: count,
        size: count,
        nodes: z.looseObject({ count, done: count, failed: count }).exactOptional(),
      }),
    )
    .exactOptional(),
  nodes: z.looseObject({ connected: count, connectedMax: count }).exactOptional(),
  traffic: z.looseObject({ received, originBytes: count, uploadedBytes: count }).exactOptional(),
  refusals: z.looseObject({ given: count, met: count }).exactOptional(),
  limits: z
    .array(z.looseObject({ name: z.string(), bytesPerSecond: count, bytes: count }))
    .exactOptional(),
  directory: z
    .looseObject({ entries: count, entriesMax: count, bytes: count, bytesMax: count })
    .exactOptional(),
});

/**
 * Asks a running service for its status.
 *
 * @param url Base URL of the service.
 * @throws {UnavailableError} when it cannot be reached, or is no service of ours.
 */
export async function readStatus(url: string, { signal }: Cancellable): Promise<ServiceStatus> {
  const deadline = createDeadline(signal, timeoutMs);
  try {
    const response = await fetch(`${url}/v1/status`, { signal: deadline.signal });
    if (!response.ok) throw new Error(await refusalOf(response));
    const status = statusSchema.safeParse(JSON.parse(await readBody(response)));
    if (!status.success) throw new Error("it is no service of this kind");
    return status.data;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SyntaxError)
      throw new UnavailableError(`Cannot read the status of ${url}`);
    throw connectionFailure(url, error, { advice: addressAdvice });
  } finally {
    deadline[Symbol.dispose]();
  }
}
