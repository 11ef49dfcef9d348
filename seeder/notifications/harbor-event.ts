import { z } from "zod";

import { isDigest } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { type PushedImage, eventsMax } from "./pushed-image.ts";

const resourceSchema = z.object({
  resource_url: z.string().min(1).max(600),
  tag: z.string().optional(),
});

const eventSchema = z.object({
  type: z.string(),
  event_data: z.object({ resources: z.array(resourceSchema).max(eventsMax).optional() }).optional(),
});

/**
 * Reads a webhook of Harbor, and gives the images that were pushed by a tag.
 *
 * @throws {InvalidArgumentError}
 * @see goharbor.io docs 2.x, "Configure Webhook Notifications": PUSH_ARTIFACT
 */
export function parseHarborEvent(value: unknown): PushedImage[] {
  const { success, data } = eventSchema.safeParse(value);
  if (!success) {
    throw new InvalidArgumentError(
      'Cannot parse the notification: want {"type", "event_data": {"resources": [{"resource_url", "tag"}]}}',
    );
  }
  if (data.type !== "PUSH_ARTIFACT") return [];
  return (data.event_data?.resources ?? []).flatMap(({ resource_url: url, tag }) => {
    // Where there is no tag, Harbor says the digest in its place.
    if (tag === undefined || tag === "" || isDigest(tag)) return [];
    return [imageAt(url, tag)];
  });
}

/** Harbor writes `host/project/repository:tag`, the host always with it. */
function imageAt(url: string, tag: string): PushedImage {
  const slash = url.indexOf("/");
  const [path = ""] = url.slice(slash + 1).split("@");
  const colon = path.lastIndexOf(":");
  const repository = colon > path.lastIndexOf("/") ? path.slice(0, colon) : path;
  return { registry: slash < 1 ? undefined : url.slice(0, slash), repository, tag };
}
