import { InvalidArgumentError } from "../../core/errors.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { matchesGlob } from "../../core/glob.ts";
import type { PreheatQueue } from "../preheat-queue.ts";
import type { PreheatRequest } from "../preheats.ts";
import { parseDistributionEvents } from "./distribution-events.ts";
import { parseHarborEvent } from "./harbor-event.ts";
import { parseImageList } from "./image-list.ts";
import { type PushedImage, referenceOf } from "./pushed-image.ts";

/** What {@link Notifications} works with. */
export interface NotificationsDeps {
  readonly queue: Pick<PreheatQueue, "add">;
  readonly logger: Logger;
  /** Which registry the events of registries belong to, whatever host they name. */
  readonly registry?: string | undefined;
  /** Patterns of references; an image is taken that one of these fits and none of the others. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Who gets the images. */
  readonly target: Omit<PreheatRequest, "reference">;
}

/** What became of the images of a notification. */
export interface NotificationResult {
  /** How many will be fetched. */
  readonly accepted: number;
  /** How many the patterns leave out, or whose names are none. */
  readonly ignored: number;
}

/** Images that one log line names. */
const loggedMax = 10;

/** Images of a notification, and why the others of it cannot be named. */
interface NamedImages {
  readonly references: readonly ImageReference[];
  readonly problems: readonly string[];
}

/** Reads one form of notification. */
type Reader = (value: unknown, registry: string | undefined) => NamedImages;

const readers = new Map<string, Reader>([
  ["distribution", (value, registry) => namedOf(parseDistributionEvents(value), registry)],
  ["harbor", (value, registry) => namedOf(parseHarborEvent(value), registry)],
  ["images", (value) => ({ references: parseImageList(value), problems: [] })],
]);

/** Has the images fetched that registries say were pushed. */
export class Notifications {
  readonly #deps: NotificationsDeps;
  constructor(deps: NotificationsDeps) {
    this.#deps = deps;
  }

  /** Whether notifications of that form are known. */
  static knows(form: string): boolean {
    return readers.has(form);
  }

  /**
   * Takes a notification: only the names in it, all else is asked from the origin.
   *
   * @throws {InvalidArgumentError} when it is malformed.
   * @throws {UnavailableError} when too many images wait: the registry shall send it again.
   */
  take(form: string, value: unknown): NotificationResult {
    const { queue, logger, registry, target } = this.#deps;
    const read = readers.get(form);
    if (!read) throw new InvalidArgumentError("Cannot take notifications of that form");
    const { references, problems } = read(value, registry);
    if (problems.length > 0) {
      const [problem] = problems;
      logger.warn("passed over pushed images", { form, count: problems.length, problem });
    }
    const chosen = references.filter((one) => this.#isIncluded(formatImageReference(one)));
    queue.add(chosen.map((reference) => ({ ...target, reference })));
    const images = chosen.slice(0, loggedMax).map(formatImageReference);
    if (chosen.length > 0) logger.info("told of pushed images", { images, count: chosen.length });
    const ignored = references.length - chosen.length + problems.length;
    return { accepted: chosen.length, ignored };
  }

  #isIncluded(reference: string): boolean {
    const { include, exclude } = this.#deps;
    const fits = (pattern: string) => matchesGlob(pattern, reference);
    return include.some(fits) && !exclude.some(fits);
  }
}

/**
 * What cannot be named is passed over, and the rest taken: a registry that is refused sends the
 * same again and again, and nothing that comes after it.
 */
function namedOf(images: readonly PushedImage[], registry: string | undefined): NamedImages {
  const references: ImageReference[] = [];
  const problems: string[] = [];
  for (const image of images) {
    try {
      references.push(referenceOf(image, registry));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      problems.push(error.message);
    }
  }
  return { references, problems };
}
