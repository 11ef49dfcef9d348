import { z } from "zod";

import type { Descriptor } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";
import { manifestLengthMax } from "./image-manifest.ts";
import {
  type ImageReference,
  formatImageReference,
  parseImageReference,
} from "./image-reference.ts";
import { type Platform, formatPlatform, parsePlatform } from "./platform.ts";

/** An image that a node shall have before anybody pulls it there. */
export interface NodeTask {
  /** Known to the seeder and the one node alone: who reports on it proves by it who he is. */
  readonly id: string;
  readonly image: ImageReference;
  /** What the reference names: a manifest or an index. */
  readonly top: Descriptor;
  readonly platforms: readonly Platform[] | "all";
}

/** A line that a seeder sends to a node. `none`: the connection is alive. */
export type NodeTaskMessage =
  | { readonly task: "none" }
  | ({ readonly task: "preheat" } & NodeTask)
  | { readonly task: "cancel"; readonly id: string };

/** Platforms of one task: what a request may name. */
export const platformsMax = 50;

const descriptorSchema = z.object({
  mediaType: z.string().max(255),
  digest: z.string().refine(isDigest),
  size: z.int().min(0).max(manifestLengthMax),
});

const messageSchema = z.discriminatedUnion("task", [
  z.object({ task: z.literal("none") }),
  z.object({ task: z.literal("cancel"), id: z.uuid() }),
  z.object({
    task: z.literal("preheat"),
    id: z.uuid(),
    image: z.string().max(600).transform(parseImageReference),
    top: descriptorSchema,
    platforms: z.union([
      z.literal("all"),
      z.array(z.string().max(100).transform(parsePlatform)).min(1).max(platformsMax),
    ]),
  }),
]);

/** Renders a message as its line, with its end. */
export function formatNodeTaskMessage(message: NodeTaskMessage): string {
  if (message.task !== "preheat") return `${JSON.stringify(message)}\n`;
  const image = formatImageReference(message.image);
  const { platforms } = message;
  const named = platforms === "all" ? platforms : platforms.map(formatPlatform);
  return `${JSON.stringify({ ...message, image, platforms: named })}\n`;
}

/**
 * Reads a line; `undefined` for a message of a kind that a newer seeder may send.
 *
 * @throws {InvalidArgumentError} when it is one that we know and malformed, or not JSON.
 */
export function parseNodeTaskMessage(line: string): NodeTaskMessage | undefined {
  const value = parseJson(line);
  const kind = z.object({ task: z.string() }).safeParse(value).data?.task;
  if (kind === undefined) throw new InvalidArgumentError("Cannot parse a task: it names none");
  if (kind !== "none" && kind !== "preheat" && kind !== "cancel") return undefined;
  const { success, data } = messageSchema.safeParse(value);
  if (success) return data;
  throw new InvalidArgumentError(`Cannot parse a task of kind ${kind}`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new InvalidArgumentError("Cannot parse a task: it is not JSON", { cause });
  }
}
