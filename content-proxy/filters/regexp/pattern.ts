/** Tells whether a character, given as its code point, is one of a set. */
export type CharacterTest = (codePoint: number) => boolean;

/**
 * Tells whether a place in a text is the one meant, by the code points on both sides of it;
 * `undefined` is the start or the end of the text.
 */
export type PlaceTest = (before: number | undefined, after: number | undefined) => boolean;

/** A parsed regular expression. Which of several matches is found first is of no interest. */
export type Pattern =
  | { readonly kind: "character"; readonly test: CharacterTest }
  | { readonly kind: "place"; readonly test: PlaceTest }
  | { readonly kind: "sequence" | "choice"; readonly patterns: readonly Pattern[] }
  | {
      readonly kind: "repeat";
      readonly pattern: Pattern;
      readonly min: number;
      /** Infinity: any number. */
      readonly max: number;
    };

/** The text is no regular expression that RE2 takes, or more than we are willing to run. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}
