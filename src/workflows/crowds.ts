import type { LaneSpec } from '../contract/activities.ts';

/** Of one connector; fewer go alone. */
export const leastCrowd = 10;
const mostCrowd = 100;

/** The crowds of these lanes, each of one connector, and those that go alone. */
export function crowdsOf(lanes: readonly LaneSpec[]): {
  readonly crowds: readonly (readonly LaneSpec[])[];
  readonly alone: readonly LaneSpec[];
} {
  const crowds: (readonly LaneSpec[])[] = [];
  const alone: LaneSpec[] = [];
  for (const connector of new Set(lanes.map((lane) => lane.connector))) {
    const ofOne = lanes.filter((lane) => lane.connector === connector);
    if (ofOne.length < leastCrowd) alone.push(...ofOne);
    else for (let at = 0; at < ofOne.length; at += mostCrowd) crowds.push(ofOne.slice(at, at + mostCrowd));
  }
  return { crowds, alone };
}
