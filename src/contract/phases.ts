/**
 * The phases of a lane, in order (reference: connectors.md section 2). A connector declares those it has; `probe` always runs.
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
