import type { ConductNoter } from './call/conduct-recorder.ts';

/** What the gateway tells whoever counts. Must return at once. */
export interface GatewayWatch extends ConductNoter {
  /** Read when figures are shown, from memory alone. */
  show(figures: () => GatewayFigures): void;
}

export interface GatewayFigures {
  readonly isLive: boolean;
  /** Until the lease runs out by itself; 0 without one. */
  readonly leaseRemainingMs: number;
  readonly openCalls: number;
  readonly viewEpoch: number;
  /** Of the store's. */
  readonly clockAheadMs: number;
}
