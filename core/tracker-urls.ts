/** What a list of configured trackers is for. */
export interface TrackerUrls {
  /** Announce URLs, HTTP and UDP. */
  readonly announce: readonly string[];
  /** Base URLs of trackers that are also a directory. */
  readonly directories: readonly string[];
}

/**
 * Sorts configured tracker URLs. The base URL of one of our trackers serves both; one
 * that ends in `/announce`, or is UDP, may be anybody's and is only announced to.
 */
export function sortTrackerUrls(urls: readonly string[]): TrackerUrls {
  const announceOnly = urls.filter((url) => url.startsWith("udp:") || url.endsWith("/announce"));
  const directories = urls.filter((url) => !announceOnly.includes(url));
  return {
    announce: [...announceOnly, ...directories.map((url) => `${url}/announce`)],
    directories,
  };
}
