import { z } from "zod";

import { InvalidArgumentError } from "../../core/errors.ts";
import { type ImageReference, parseImageReference } from "../../core/image-reference.ts";
import { eventsMax } from "./pushed-image.ts";

const listSchema = z.strictObject({
  images: z.array(z.string().min(1).max(600)).min(1).max(eventsMax),
});

/** Reads `{"images": ["registry/repo:tag", …]}`. @throws {InvalidArgumentError} */
export function parseImageList(value: unknown): ImageReference[] {
  const { success, data } = listSchema.safeParse(value);
  if (success) return data.images.map(parseImageReference);
  throw new InvalidArgumentError(
    'Cannot parse the notification: want {"images": ["registry/repo:tag", …]}',
  );
}
