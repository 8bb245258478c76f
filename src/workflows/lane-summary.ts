import type { LaneSpec } from '../contract/activities.ts';

/** What a person reads in Temporal of one step of one lane. The step stands behind, where a long name of the system does not cut it off. */
export const laneSummary = ({ connector, target }: Pick<LaneSpec, 'connector' | 'target'>, step: string): string =>
  `${`${connector} ${target}`.slice(0, 180)}: ${step}`;
