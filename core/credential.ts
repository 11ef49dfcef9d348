import { createHash } from "node:crypto";

import { hidden } from "./secret.ts";

/** A credential. Whatever prints it prints that it is hidden; who needs it asks for it. */
export class Credential {
  readonly #text: string;
  /** The registry that it is for; left out: whichever it is shown to. */
  readonly registry: string | undefined;

  constructor(text: string, options: { readonly registry?: string } = {}) {
    this.#text = text;
    this.registry = options.registry;
  }

  /** The credential itself: for the one header that it goes into. */
  reveal(): string {
    return this.#text;
  }

  /** Tells one credential from another without telling either: SHA-256 in hex. */
  fingerprint(): string {
    return createHash("sha256").update(this.#text).digest("hex");
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }
}
