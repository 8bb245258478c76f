import type { Instant } from './lease.ts';

export type Clock = () => Instant;

export const systemClock: Clock = () => ({ mono: performance.now(), wall: Date.now() });
