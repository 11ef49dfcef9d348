import { z } from "zod";

import { InvalidArgumentError } from "../../core/errors.ts";
import { isIndex, isManifest } from "../../core/media-type.ts";
import { type PushedImage, eventsMax } from "./pushed-image.ts";

/** Fields that carry meaning here; a registry sends many more. */
const eventSchema = z.object({
  action: z.string(),
  target: z
    .object({
      mediaType: z.string().optional(),
      repository: z.string().optional(),
      tag: z.string().optional(),
    })
    .optional(),
  request: z.object({ host: z.string().optional() }).optional(),
});

const envelopeSchema = z.object({ events: z.array(eventSchema).max(eventsMax) });

/**
 * Reads a notification of Docker's registry, and gives the images that were pushed by a
 * tag. What was pushed by its digest alone is part of an image whose tag comes later.
 *
 * @throws {InvalidArgumentError}
 * @see distribution docs/content/about/notifications.md: envelope
 */
export function parseDistributionEvents(value: unknown): PushedImage[] {
  const { success, data } = envelopeSchema.safeParse(value);
  if (!success) {
    throw new InvalidArgumentError(
      'Cannot parse the notification: want {"events": [{"action", "target", "request"}]}',
    );
  }
  return data.events.flatMap(({ action, target, request }) => {
    const { mediaType = "", repository, tag } = target ?? {};
    if (action !== "push" || !(isManifest(mediaType) || isIndex(mediaType))) return [];
    if (repository === undefined || tag === undefined || tag === "") return [];
    const host = request?.host;
    return [{ registry: host === "" ? undefined : host, repository, tag }];
  });
}
