/** Everything that workers of the queue `control` run, in the namespace that no agent code can reach. */
export { drill } from './drill.ts';
export { notify } from './notify.ts';
export { revocation } from './revocation.ts';
export { revocationLanes } from './revocation-lanes.ts';
export { stopFanout } from './stop-fanout.ts';
export { stopIntake } from './stop-intake.ts';
