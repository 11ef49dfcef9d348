/**
 * The word that was probably meant: the nearest one that is at most a third of its
 * letters away, else the first one that begins with it. `undefined` when none is near.
 */
export function closestWord(word: string, known: readonly string[]): string | undefined {
  // Typos are short; comparing long nonsense would only cost time.
  if (word.length > 64) return undefined;
  let closest: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = distanceOf(word.toLowerCase(), candidate.toLowerCase());
    if (distance > Math.max(1, Math.floor(candidate.length / 3))) continue;
    if (!closest || distance < closest.distance) closest = { word: candidate, distance };
  }
  return closest?.word ?? known.find((candidate) => word.length > 2 && candidate.startsWith(word));
}

/** How many letters must be added, taken away or changed (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
