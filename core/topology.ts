import { InvalidArgumentError } from "./errors.ts";

/** Where a host is, as far as it is known: bytes within a zone cost little, those between zones much. */
export interface Place {
  readonly region?: string | undefined;
  /** A part of its region; its name alone may tell it from zones of other regions, and need not. */
  readonly zone?: string | undefined;
  readonly rack?: string | undefined;
}

/** How far two hosts are from each other: the widest border that is between them. */
export const distances = { none: 0, racks: 1, zones: 2, regions: 3 } as const;

export type Distance = (typeof distances)[keyof typeof distances];

/** As values of Kubernetes labels are: these come from there. No character of it needs escapes. */
const labelPattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Longest text of a place: three labels of 63 characters, and what is between them. */
export const placeLengthMax = 3 * 63 + 2;

/** Whether text can be the name of a region, zone or rack. */
export function isPlaceLabel(text: string): boolean {
  return labelPattern.test(text);
}

/** A place as text: region, zone and rack with slashes between, each empty when it is not known. */
export function formatPlace({ region = "", zone = "", rack = "" }: Place): string {
  return `${region}/${zone}/${rack}`;
}

/**
 * Reads what {@link formatPlace} made.
 *
 * @throws {InvalidArgumentError} when it is something else.
 */
export function parsePlace(text: string): Place {
  const labels = text.length > placeLengthMax ? [] : text.split("/");
  if (labels.length !== 3 || labels.some((label) => label !== "" && !isPlaceLabel(label))) {
    throw new InvalidArgumentError("Cannot parse place: want region/zone/rack");
  }
  const [region, zone, rack] = labels.map((label) => (label === "" ? undefined : label));
  return { region, zone, rack };
}

/** The border between two hosts. What is not known of one of them makes none. */
export function distanceOf(one: Place | undefined, other: Place | undefined): Distance {
  if (!one || !other) return distances.none;
  if (differ(one.region, other.region)) return distances.regions;
  if (differ(one.zone, other.zone)) return distances.zones;
  return differ(one.rack, other.rack) ? distances.racks : distances.none;
}

/** Whether the border of a zone or region is between two hosts. */
export function isFar(one: Place | undefined, other: Place | undefined): boolean {
  return distanceOf(one, other) >= distances.zones;
}

/** Whether enough is known of where a host is to say that no border is between it and others. */
export function isKnown(place: Place | undefined): boolean {
  return place?.zone !== undefined;
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
