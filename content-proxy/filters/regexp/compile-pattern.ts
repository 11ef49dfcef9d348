import { parsePattern } from "./parse-pattern.ts";
import { type CharacterTest, type Pattern, PatternError, type PlaceTest } from "./pattern.ts";

/** Characters of a pattern. */
const patternLengthMax = 1024;

/**
 * Steps of a compiled pattern; counted repetitions are written out. A match costs at
 * most this many steps per character.
 */
const stepsMax = 2000;

/** One step: go on when a character fits or the place is right, or go on in several ways. */
type Step =
  | { readonly kind: "character"; readonly test: CharacterTest; readonly next: number }
  | { readonly kind: "place"; readonly test: PlaceTest; readonly next: number }
  | { readonly kind: "fork"; readonly next: number[] }
  | { readonly kind: "match" };

/**
 * Makes a search for a regular expression of RE2 anywhere in a text. It follows all ways
 * through the pattern at once, so no pattern makes it slow. What is no such expression,
 * or too long, is found nowhere.
 */
export function compilePattern(text: string): (subject: string) => boolean {
  try {
    if (text.length > patternLengthMax) throw new PatternError("too long");
    const program = new Program();
    const start = program.add(parsePattern(text), program.match);
    return (subject) => search(program.steps, start, subject);
  } catch (error) {
    if (error instanceof PatternError) return () => false;
    throw error;
  }
}

/** Is written from the end to the start, since every step names the next one. */
class Program {
  readonly steps: Step[] = [{ kind: "match" }];
  readonly match = 0;

  /** Adds the steps of a pattern before step `next`, and gives the first of them. */
  add(pattern: Pattern, next: number): number {
    switch (pattern.kind) {
      case "character":
        return this.#push({ kind: "character", test: pattern.test, next });
      case "place":
        return this.#push({ kind: "place", test: pattern.test, next });
      case "sequence":
        return pattern.patterns.reduceRight((after, part) => this.add(part, after), next);
      case "choice":
        return this.#fork(pattern.patterns.map((part) => this.add(part, next)));
      case "repeat":
        return this.#repeat(pattern, next);
    }
  }

  #repeat(repeat: Pattern & { readonly kind: "repeat" }, next: number): number {
    const { pattern, min, max } = repeat;
    let start = next;
    if (max === Infinity) {
      const loop: number[] = [next];
      start = this.#fork(loop);
      loop.push(this.add(pattern, start));
    } else {
      for (let count = min; count < max; count++) {
        start = this.#fork([next, this.add(pattern, start)]);
      }
    }
    for (let count = 0; count < min; count++) start = this.add(pattern, start);
    return start;
  }

  #fork(next: number[]): number {
    return this.#push({ kind: "fork", next });
  }

  #push(step: Step): number {
    if (this.steps.length >= stepsMax) throw new PatternError("too large");
    return this.steps.push(step) - 1;
  }
}

/** Takes one character after the other, and keeps the set of steps that may come next. */
function search(steps: readonly Step[], start: number, subject: string): boolean {
  const codePoints = Array.from(subject, (character) => character.codePointAt(0) ?? 0);
  let current = new Set<number>();
  for (let at = 0; at <= codePoints.length; at++) {
    const after = codePoints[at];
    const reached = reach(steps, current.add(start), codePoints[at - 1], after);
    if (reached.has(0)) return true;
    if (after === undefined) return false;
    current = new Set();
    for (const index of reached) {
      const step = steps[index];
      if (step?.kind === "character" && step.test(after)) current.add(step.next);
    }
  }
  return false;
}

/** All steps that can be got to without taking a character. */
function reach(
  steps: readonly Step[],
  from: ReadonlySet<number>,
  before: number | undefined,
  after: number | undefined,
): Set<number> {
  // A set that grows while it is walked over comes to its new members as well.
  const reached = new Set(from);
  for (const index of reached) {
    const step = steps[index];
    if (step?.kind === "fork") for (const next of step.next) reached.add(next);
    else if (step?.kind === "place" && step.test(before, after)) reached.add(step.next);
  }
  return reached;
}
