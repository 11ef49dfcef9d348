import { type Digest, parseDigest } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";

/** The digest that is a part of a path; its colon may be escaped. @throws {InvalidArgumentError} */
export function digestInPath(part: string): Digest {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch (cause) {
    throw new InvalidArgumentError("Cannot decode the path", { cause });
  }
  return parseDigest(text);
}
