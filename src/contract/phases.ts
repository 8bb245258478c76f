/**
 * The phases of a lane, in order. A connector declares those it has; `probe` always runs. `sweep` goes over the target once more and
 * ends what bears the name of the grant or an older epoch, never what is younger than the stop. rule: sweep-by-epoch
 */
export const cuttingPhases = [
  'fence',
  'terminate',
  'revoke-credential',
  'disable-integration',
  'purge-queue',
  'update-policy-point',
  'sweep',
] as const;

export type CuttingPhase = (typeof cuttingPhases)[number];
export type Phase = CuttingPhase | 'probe';

/** The last probe is no phase of a lane: it may be asked again and again, until it passes after the last cut of the whole stop. */
export const finalPhase = 'final-probe';
