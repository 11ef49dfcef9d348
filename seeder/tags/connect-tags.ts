import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Origin } from "../../core/ports/origin.ts";
import type { SeederConfig } from "../config.ts";
import type { StateFile } from "../state-file.ts";
import { SeederTags } from "./seeder-tags.ts";
import { TagBook } from "./tag-book.ts";

/** Opens what is known of tags, and what tells it. It is saved when `started` is disposed of. */
export async function connectTags(
  config: SeederConfig["tags"],
  deps: {
    readonly file: StateFile;
    readonly origin: Origin;
    readonly clock: Clock;
    readonly started: DisposeStack;
  },
): Promise<{ readonly book: TagBook; readonly tags: SeederTags }> {
  const book = await TagBook.open(deps);
  deps.started.defer(() => book.save());
  return { book, tags: new SeederTags({ ...config, book, origin: deps.origin }) };
}
