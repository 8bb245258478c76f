/** What a backend service imports. */
export { type ErrorCode, EstopError } from '../core/errors.ts';
export { createEstop, type Estop, type EstopOptions } from './estop.ts';
export type { EstopEvent } from './events.ts';
export type { StopTarget } from './scope.ts';
export { hasReached, newStopId } from './stops.ts';
