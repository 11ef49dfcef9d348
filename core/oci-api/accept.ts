/** Media ranges that are looked at: clients send a handful, and one that sends more wants anything. */
const rangesMax = 64;

/**
 * Whether a client takes a media type, by its `Accept` header; without one it takes all.
 * Preferences (`q`) are not weighed: there is one form of each blob.
 *
 * @see RFC 9110 §12.5.1
 */
export function isAccepted(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === "") return true;
  const ranges = header.split(",", rangesMax).map((range) => range.split(";", 1)[0]?.trim());
  const group = `${mediaType.split("/", 1)[0] ?? ""}/*`;
  return ranges.some((range) => range === mediaType || range === "*/*" || range === group);
}
